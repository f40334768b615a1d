//! Why a client is turned away.
//!
//! A refusal says what is wrong from the client's side, in a sentence that the person at the
//! encoder or player can act on. With which status it goes out is decided in one place, the
//! `icecast` module.

use crate::mount::name::MountNameError;
use common::http::head::HeadError;

/// Why a client is turned away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The client's program may not be here.
    #[error("this program is not welcome here")]
    AgentBanned,
    /// The station's own server does not want this listener, whoever it says that it is.
    #[error("{message}")]
    BackendSays {
        /// Its reason.
        message: String,
    },
    /// The station's own server, which decides who may listen, does not answer.
    #[error("who may listen cannot be found out at the moment; try again later")]
    BackendSilent,
    /// The source did not say what it sends.
    #[error("No Content-type given")]
    ContentTypeMissing,
    /// The source sends something that is no audio or video.
    #[error("content type {0} is not a stream; send audio/mpeg, audio/aac, application/ogg, …")]
    ContentTypeUnfit(String),
    /// A command that changes something, which a page of another site sent a browser to give.
    #[error("a page of another site may not give commands; open the page of this server")]
    CrossSite,
    /// A head that we do not take.
    #[error("{0}")]
    Head(#[from] HeadError),
    /// The client's network has as many listeners as it may.
    #[error("your address has {max} listeners already, the most that it may have here")]
    ListenersOfAddress {
        /// The most that it may have.
        max: usize,
    },
    /// The mount has as many listeners as it may.
    #[error("max listeners reached")]
    ListenersFull,
    /// Too many wrong passwords came from the client's network.
    #[error("too many wrong passwords from your address; try again in {wait_seconds} s")]
    LoginsFailed {
        /// Seconds after which the next one is looked at.
        wait_seconds: u64,
    },
    /// A method that makes no sense here.
    #[error("unknown request")]
    Method,
    /// A command that is about a mount and names none.
    #[error("Unknown admin request")]
    MountMissing,
    /// The name cannot be a mount's.
    #[error("{0}")]
    MountName(#[from] MountNameError),
    /// The mount may only be heard as a fallback.
    #[error("mountpoint unavailable")]
    MountUnavailable,
    /// Another source is on this mount.
    #[error("Mountpoint in use")]
    MountTaken,
    /// Listeners would be moved to where they are.
    #[error("supplied mountpoints are identical")]
    MountsIdentical,
    /// A command in a way that there is not.
    #[error("No such action")]
    NoSuchAction,
    /// Listeners would be moved to a mount that is not there.
    #[error("No such destination")]
    NoDestination,
    /// There is nothing under this name.
    #[error("The file you requested could not be found")]
    NotFound,
    /// A parameter that cannot be meant.
    #[error("{0}")]
    ParameterUnfit(String),
    /// A command without a parameter that it needs.
    #[error("Missing parameter")]
    ParameterMissing,
    /// There are as many connections as there may be.
    #[error("connection limit reached")]
    ServerFull,
    /// A relay asks for what it is itself asked for.
    #[error("this stream would come from itself: a loop of relays")]
    RelayLoop,
    /// The server is about to stop.
    #[error("the server is stopping")]
    ServerStopping,
    /// A command for a mount without a source.
    #[error("Source does not exist")]
    SourceMissing,
    /// There are as many sources as there may be.
    #[error("too many sources connected")]
    SourcesFull,
    /// No credentials, or wrong ones.
    #[error("You need to authenticate")]
    Unauthorized,
    /// A file could not be written.
    #[error("the server could not keep this; its log says why")]
    NotKept,
    /// A body in a coding that we do not take.
    #[error("transfer encoding {0} is not supported; send chunked or none")]
    TransferEncoding(String),
    /// There is no such command.
    #[error("Unrecognised command")]
    UnknownCommand,
}
