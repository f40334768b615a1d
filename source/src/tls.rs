//! Connections to servers in TLS.
//!
//! Who vouches for a server is the system's to say, and the operator's, who may name a file of
//! certificates to believe besides. Both are read once, when the first such connection is made.

use crate::tasks;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;
use tracing::warn;

/// A connection, in TLS or not.
pub type Line = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Makes connections in TLS. Clones share what is known of who vouches for whom.
#[derive(Clone, Default)]
pub struct Tls {
    trust: Option<PathBuf>,
    connector: Arc<OnceCell<TlsConnector>>,
}

impl Tls {
    /// TLS with servers for which the system vouches, or a certificate in the PEM file `trust`.
    pub fn new(trust: Option<PathBuf>) -> Self {
        Self { trust, connector: Arc::default() }
    }

    /// A connection in TLS over `tcp`, to the server that is called `host`.
    ///
    /// Fails if the server does not speak TLS, or nobody vouches for it.
    pub async fn over(&self, tcp: TcpStream, host: &str) -> io::Result<Line> {
        let connector = self.connector.get_or_init(|| connector(self.trust.clone())).await;
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Either::Right(Box::new(connector.connect(name, tcp).await?)))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("trust", &self.trust).finish_non_exhaustive()
    }
}

/// The certificates in the PEM file `path`.
///
/// Fails if it cannot be read or holds none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if certificates.is_empty() => Err("holds no certificate".to_owned()),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(error.to_string()),
    }
}

async fn connector(trust: Option<PathBuf>) -> TlsConnector {
    let roots = tasks::work(|| roots(trust)).await.unwrap_or_else(RootCertStore::empty);
    // Named, because two providers among the dependencies would leave none as the default.
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows the ciphers of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

fn roots(trust: Option<PathBuf>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = trust {
        match certificates(&path) {
            Ok(certificates) => drop(roots.add_parsable_certificates(certificates)),
            Err(error) => warn!(file = %path.display(), "nobody is believed for it: {error}"),
        }
    }
    if roots.is_empty() {
        warn!("nobody vouches for servers in TLS; install ca-certificates");
    }
    roots
}
