//! Why a request is not carried out, and the status that says so.

use crate::control::console::{NotTurned, Refused};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a request is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the body did not come within {seconds} s")]
    BodySlow { seconds: u64 },
    #[error("the body is larger than {bytes_max} bytes")]
    BodyTooLarge { bytes_max: usize },
    #[error(transparent)]
    Command(#[from] Refused),
    #[error("a page of another site may not ask this one; `Origin` is {0}")]
    ForeignPage(String),
    #[error("`{0}` is not how this machine is called here; use its address, or localhost")]
    ForeignHost(String),
    #[error("this takes {allowed} only")]
    Method { allowed: &'static str },
    #[error("there is no {kind} called `{name}`")]
    NoSuch { kind: &'static str, name: String },
    #[error("there is nothing here; /openapi.json says what there is")]
    NoSuchPath,
    #[error("the body is not what is expected: {0}")]
    NotJson(String),
    #[error("{0}")]
    OffScale(String),
    #[error("a password is needed, as `Authorization: Bearer` or `Basic` with any user")]
    Password,
}

impl Refusal {
    /// Why the parameter called `name` stays as it is.
    pub(super) fn not_turned(name: &str, error: NotTurned) -> Self {
        match error {
            NotTurned::NoSuch => Self::NoSuch { kind: "parameter", name: name.to_owned() },
            NotTurned::OffScale(error) => Self::OffScale(format!("{name}: {error}")),
            NotTurned::Refused(refused) => Self::Command(refused),
        }
    }
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Problem {
    /// In one line.
    pub error: String,
}

/// The status this refusal goes out with. The one place that decides it.
pub(super) fn status(refusal: &Refusal) -> u16 {
    match refusal {
        Refusal::NotJson(_) => 400,
        Refusal::Password => 401,
        Refusal::ForeignHost(_) | Refusal::ForeignPage(_) => 403,
        Refusal::NoSuch { .. } | Refusal::NoSuchPath => 404,
        Refusal::Method { .. } => 405,
        Refusal::BodySlow { .. } => 408,
        Refusal::BodyTooLarge { .. } => 413,
        Refusal::Command(Refused::Mistakes(_)) | Refusal::OffScale(_) => 422,
        Refusal::Command(Refused::Busy | Refused::Ended) => 503,
        Refusal::Command(Refused::Slow) => 504,
    }
}
