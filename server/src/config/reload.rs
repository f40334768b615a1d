//! The configuration in force, which may be replaced while the server runs.

use super::Config;
use std::sync::Arc;
use tokio::sync::watch;

/// A view of the configuration in force. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct LiveConfig(watch::Receiver<Arc<Config>>);

impl LiveConfig {
    /// A view, and what replaces the configuration.
    pub(crate) fn new(config: Config) -> (Self, watch::Sender<Arc<Config>>) {
        let sender = watch::Sender::new(Arc::new(config));
        (Self(sender.subscribe()), sender)
    }

    /// The configuration now. Ask once for what belongs together.
    pub(crate) fn now(&self) -> Arc<Config> {
        Arc::clone(&self.0.borrow())
    }

    /// Resolves when the configuration has been replaced since this was last asked; never, once
    /// nothing can replace it any more.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}
