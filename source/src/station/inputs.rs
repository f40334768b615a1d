//! What a station puts up so that live sources can come: ports, and those who fetch streams.

use crate::config::Config;
use crate::config::entries::{InputConfig, Origin};
use crate::fetch::client::Client;
use crate::input::Input;
use crate::input::door::Mount;
use crate::input::harbor::{Berth, Harbor};
use crate::input::relay::Relay;
use crate::station::StartError;
use crate::station::control::tcp;
use crate::tasks::Tasks;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

/// The ports of the inputs, which are there before anything else, so that a mistake in them is
/// told before the station is on the air.
pub(super) struct Ports(Vec<(SocketAddr, TcpListener)>);

impl Ports {
    /// Those that `config` names; inputs may share one.
    ///
    /// Fails if one of them cannot be had.
    pub(super) fn open(config: &Config) -> Result<Self, StartError> {
        let mut ports: Vec<(SocketAddr, TcpListener)> = Vec::new();
        for input in &config.inputs {
            let Origin::Harbor { listen, .. } = &input.origin else { continue };
            if ports.iter().all(|(known, _)| known != listen) {
                let what = format!("input {}: {listen}", input.name);
                let listener = tcp(*listen).map_err(|error| StartError::Control { what, error })?;
                ports.push((*listen, listener));
            }
        }
        Ok(Self(ports))
    }

    /// Where they are.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().filter_map(|(_, listener)| listener.local_addr().ok()).collect()
    }

    /// Lets sources in to `inputs`, which are in the order of `config`, and fetches streams by
    /// `client`, until the sender of `stop` is dropped.
    pub(super) fn serve(
        self,
        config: &Config,
        inputs: &[Input],
        client: &Client,
        stop: &watch::Receiver<()>,
        tasks: &Tasks,
    ) {
        let both = || config.inputs.iter().zip(inputs);
        for (listen, listener) in self.0 {
            if let Ok(address) = listener.local_addr() {
                info!(%address, "live sources");
            }
            let mounts = both().filter_map(|(config, input)| berth(config, input, listen));
            let harbor = Harbor::new(listener, mounts.collect(), tasks.clone());
            tasks.spawn(harbor.serve(stop.clone()));
        }
        for (config, input) in both() {
            let Origin::Relay { address } = &config.origin else { continue };
            let (input, address, client) = (input.clone(), address.clone(), client.clone());
            let relay = Relay { input, address, silence_max: config.silence_max, client };
            tasks.spawn(relay.run(stop.clone()));
        }
    }
}

/// The mount of an `input` that listens at `listen`.
fn berth(config: &InputConfig, input: &Input, listen: SocketAddr) -> Option<Berth> {
    match &config.origin {
        Origin::Harbor { listen: own, mount, credentials } if *own == listen => {
            let (path, credentials) = (mount.clone(), credentials.clone());
            let mount = Mount { path, credentials };
            Some(Berth { mount, input: input.clone(), silence_max: config.silence_max })
        }
        Origin::Harbor { .. } | Origin::Relay { .. } => None,
    }
}
