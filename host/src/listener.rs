//! Where requests come in: connections, TLS, and how many and how slow they may be, before anybody looks at what they
//! say. Knows no event and reads no body. HTTP/1.1 only, which is what GitHub delivers over: one set of bounds to hold.

mod connection;
mod crowding;
mod guard;
mod paced;
mod places;
mod source;
#[cfg(test)]
mod tests;
mod tls;

pub use guard::{Known, Rates, Word};
pub use source::{Proxies, Source};
pub use tls::{ServerConfig, server_config};

use crate::model::Rotating;
use crate::telemetry::Metrics;
use axum::Router;
use connection::Served;
use crowding::Crowding;
use guard::Guard;
use places::PlacesBySource;
use std::io::{Error, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;

/// As long as it may take until somebody closes a file. A connection that ends here ends the wait as well.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What a listener serves, and how much and how slowly.
#[derive(Clone, Debug)]
pub struct Options {
    /// What a handshake begins with; without it plain HTTP is spoken.
    pub tls: Option<Rotating<ServerConfig>>,
    pub proxies: Proxies,
    pub connections: usize,
    pub connections_per_source: usize,
    pub rates: Rates,
    pub patience: Patience,
}

/// How long a peer may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a TLS handshake, and then for a request's head.
    pub head: Duration,
    /// For the next piece of an answer to be taken. A request's body is timed by the one who reads it.
    pub write: Duration,
    /// Between two requests.
    pub idle: Duration,
}

/// Takes connections and hands their requests to a router.
#[derive(Debug)]
pub struct Listener {
    served: Arc<Served>,
    places_by_source: PlacesBySource,
}

impl Listener {
    pub fn new(router: Router, options: Options, metrics: Metrics) -> Self {
        Self {
            places_by_source: PlacesBySource::new(options.connections_per_source),
            served: Arc::new(Served {
                router,
                guard: Guard::new(options.rates, options.proxies),
                crowding: Crowding::new(options.connections),
                patience: options.patience,
                tls: options.tls,
                metrics,
            }),
        }
    }

    /// Serves until it is told to stop, and lets the requests at work end. Dropping the future ends all at once.
    pub async fn run(self, listener: TcpListener, stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let mut stopped = stop.clone();
        loop {
            tokio::select! {
                () = connection::told(&mut stopped) => break,
                // Reaped, so that the set holds those that are open.
                Some(_) = connections.join_next() => {}
                (place, stream, peer) = self.accept(&listener) => self.begin(&mut connections, place, (stream, peer), &stop),
            }
        }
        // Nobody new, and whoever waits in the backlog is told so.
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    /// The next connection, once there is a place for it. Safe to drop while waiting.
    async fn accept(&self, listener: &TcpListener) -> (OwnedSemaphorePermit, TcpStream, IpAddr) {
        if self.served.crowding.is_full() {
            self.served.count("waited");
        }
        let place = self.served.crowding.place().await;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return (place, stream, peer.ip().to_canonical()),
                Err(error) => {
                    self.served.count("not-accepted");
                    if let Some(pause) = pause_after(&error) {
                        tracing::error!(%error, "no connection can be accepted: raise the limit of open files, or lower server.max_connections");
                        tokio::time::sleep(pause).await;
                    }
                }
            }
        }
    }

    fn begin(
        &self,
        connections: &mut JoinSet<()>,
        place: OwnedSemaphorePermit,
        (stream, peer): (TcpStream, IpAddr),
        stop: &watch::Receiver<bool>,
    ) {
        let served = Arc::clone(&self.served);
        let of_source = match served.guard.trusts(peer) {
            // A proxy's connections are everybody's.
            true => None,
            false => match self.places_by_source.enter(peer.into()) {
                Some(of_source) => Some(of_source),
                None => return served.count("source-full"),
            },
        };
        let of_strangers = match served.is_stranger(peer) {
            false => None,
            true => match served.crowding.place_of_stranger() {
                Some(of_strangers) => Some(of_strangers),
                None => return served.count("strangers-full"),
            },
        };
        served.crowding.tell();
        let stop = stop.clone();
        connections.spawn(async move {
            // Held to the end, whatever the end is.
            let _held = (place, of_source, of_strangers, served.metrics.open_connection());
            served.serve(stream, peer, stop).await;
        });
    }
}

/// What is wrong with one connection is over with it; anything else would only happen again at once.
fn pause_after(error: &Error) -> Option<Duration> {
    let of_one = [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::ConnectionRefused];
    (!of_one.contains(&error.kind())).then_some(ACCEPT_PAUSE)
}
