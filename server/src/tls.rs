//! TLS: the certificate that the server shows, and when it is read anew.
//!
//! Wherever a certificate is configured, every listen socket takes both kinds of client: one that
//! begins with a handshake gets TLS, and any other is served as it is, unless the socket is for TLS
//! alone. A wish for TLS in a request (RFC 2817), which libshout utters where it may, is not
//! granted: it goes on as it began, or gives up if it was told to insist. The files are looked at
//! again with each configuration and every [`LOOK_EVERY`]; whoever is connected keeps what was
//! agreed on. Only TLS 1.2 and 1.3 are spoken.

use crate::config::TlsFiles;
use crate::config::reload::LiveConfig;
use crate::kept_file::Stamp;
use crate::tasks::Tasks;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{debug, warn};

/// What the server shows of itself in a handshake. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Identity(watch::Receiver<Option<Arc<ServerConfig>>>);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Certificate and key do not belong together, or are of a kind that is not taken.
    #[error("{}: {error}", file.display())]
    Refused {
        /// The certificate's file.
        file: PathBuf,
        /// What is wrong.
        error: rustls::Error,
    },
    /// A file cannot be read, or does not hold what it should.
    #[error("{}: no {what} in PEM form: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// What was found.
        error: pem::Error,
    },
}

impl Identity {
    /// Shows `first`, and from then on what is on disk.
    pub(crate) fn start(
        first: Option<Arc<ServerConfig>>,
        config: LiveConfig,
        tasks: &Tasks,
    ) -> Self {
        let files = config.now().tls.clone();
        let (shown, identity) = watch::channel(first);
        let stopping = tasks.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = keep(config, files, shown) => {}
                () = stopping.stopping() => {}
            }
        });
        Self(identity)
    }

    /// What a handshake begins with; `None` if there is no certificate.
    pub(crate) fn shown(&self) -> Option<Arc<ServerConfig>> {
        self.0.borrow().clone()
    }
}

/// Shows what the files hold, whenever they or their names have changed.
async fn keep(
    mut config: LiveConfig,
    mut files: Option<TlsFiles>,
    shown: watch::Sender<Option<Arc<ServerConfig>>>,
) {
    let mut stamps = stamps(files.as_ref()).await;
    loop {
        let is_asked = tokio::select! {
            () = config.changed() => true,
            () = sleep(LOOK_EVERY) => false,
        };
        files = config.now().tls.clone();
        let before = std::mem::replace(&mut stamps, self::stamps(files.as_ref()).await);
        if !is_asked && before == stamps {
            continue;
        }
        match files.as_ref().map(load).transpose() {
            Ok(identity) => {
                shown.send_replace(identity);
                debug!("the TLS certificate has been read anew");
            }
            Err(error) => warn!("the TLS certificate stays as it was: {error}"),
        }
    }
}

async fn stamps(files: Option<&TlsFiles>) -> [Option<Stamp>; 2] {
    let Some(files) = files else { return [None; 2] };
    [Stamp::of(&files.certificate).await, Stamp::of(&files.key).await]
}

/// What a handshake needs of the files.
pub(crate) fn load(files: &TlsFiles) -> Result<Arc<ServerConfig>, CertificateError> {
    let unreadable = |file: &PathBuf, what| {
        let file = file.clone();
        move |error| CertificateError::Unreadable { file, what, error }
    };
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect);
    let chain = chain.map_err(unreadable(&files.certificate, "certificate"))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable(&files.key, "key"))?;
    // Named, because two providers among the dependencies would leave none as the default.
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let file = files.certificate.clone();
    config.map(Arc::new).map_err(|error| CertificateError::Refused { file, error })
}

/// How often the files are looked at without being asked to.
const LOOK_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::mounts::{MountConfig, Mounts};
    use crate::socket::Socket;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
    use std::fs;
    use std::io::{Read as _, Write as _};
    use std::net::SocketAddr;
    use std::path::Path;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Writes a new certificate for `localhost` into `folder`.
    fn certify(folder: &Path) -> TlsFiles {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files =
            TlsFiles { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
        fs::write(&files.certificate, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        files
    }

    fn config(files: &TlsFiles) -> Config {
        let mounts = Mounts { usual: MountConfig::default(), rules: Vec::new() };
        Config { tls: Some(files.clone()), ..Config::of(Vec::new(), mounts) }
    }

    /// Says `ping` to `address` with trust in nothing but the certificate at `path`; the answer.
    fn ask(address: SocketAddr, path: &Path) -> std::io::Result<String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(path).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap());
        let tcp = std::net::TcpStream::connect(address)?;
        let mut stream = StreamOwned::new(client.unwrap(), tcp);
        stream.write_all(b"ping")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// What a client that trusts the certificate at `path` is answered.
    async fn answered(identity: &Identity, path: &Path) -> std::io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, path) = (listener.local_addr()?, path.to_owned());
        let client = tokio::task::spawn_blocking(move || ask(address, &path));
        let (tcp, _) = listener.accept().await?;
        let mut first = [0; 1];
        let mut socket = Socket::Plain(tcp);
        // What was read before the handshake began is part of it.
        socket.read_exact(&mut first).await?;
        let served = async {
            let mut socket = socket.secured(identity.shown().unwrap(), &first).await?;
            let mut asked = [0; 4];
            socket.read_exact(&mut asked).await?;
            assert_eq!(&asked, b"ping");
            socket.write_all(&[b'x'; 300_000]).await?;
            socket.shutdown().await
        };
        let served: std::io::Result<()> = served.await;
        let answer = client.await?;
        answer.and_then(|answer| served.map(|()| answer))
    }

    #[tokio::test]
    async fn a_client_gets_all_that_is_written_and_is_told_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let files = certify(folder.path());
        let (live_config, _reload) = LiveConfig::new(config(&files));
        let first = Some(load(&files).unwrap());
        let identity = Identity::start(first, live_config, &Tasks::default());

        let answer = timeout(PATIENCE, answered(&identity, &files.certificate)).await.unwrap();

        assert_eq!(answer.unwrap().len(), 300_000);
    }

    #[tokio::test]
    async fn a_new_certificate_is_shown_once_the_configuration_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let files = certify(folder.path());
        let (live_config, reload) = LiveConfig::new(config(&files));
        let first = Some(load(&files).unwrap());
        let mut identity = Identity::start(first, live_config, &Tasks::default());
        tokio::task::yield_now().await;

        fs::write(&files.certificate, "half a file").unwrap();
        reload.send_replace(Arc::new(config(&files)));
        certify(folder.path());
        reload.send_replace(Arc::new(config(&files)));
        timeout(PATIENCE, identity.0.changed()).await.unwrap().unwrap();

        let answer = timeout(PATIENCE, answered(&identity, &files.certificate)).await.unwrap();
        assert!(answer.is_ok(), "{answer:?}");
    }

    #[tokio::test]
    async fn a_client_that_does_not_trust_us_costs_us_its_connection_alone() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (files, others) = (certify(ours.path()), certify(theirs.path()));
        let (live_config, _reload) = LiveConfig::new(config(&files));
        let first = Some(load(&files).unwrap());
        let identity = Identity::start(first, live_config, &Tasks::default());

        let refused = timeout(PATIENCE, answered(&identity, &others.certificate)).await.unwrap();

        assert!(refused.is_err());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let files = certify(folder.path());
        let bare = TlsFiles { key: files.certificate.clone(), ..files.clone() };
        let absent = TlsFiles { certificate: folder.path().join("none.pem"), ..files };

        let said = |files: &TlsFiles| load(files).unwrap_err().to_string();

        assert!(said(&bare).contains("certificate.pem: no key in PEM form: "), "{}", said(&bare));
        assert!(said(&absent).contains("none.pem: no certificate in PEM form: "));
    }
}
