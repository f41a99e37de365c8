//! One connection from its first byte to its last: handshake, requests, and why it ended.

use super::Patience;
use super::crowding::Crowding;
use super::guard::{Guard, Known, Word};
use super::paced::{Paced, Phase};
use super::tls::ServerConfig;
use crate::model::Rotating;
use crate::telemetry::Metrics;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::error::Error as _;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// GitHub's heads have 2 KiB; a proxy's cookies and traces may make eight times that. Beyond it, and beyond the 100
/// fields that hyper reads, the answer is 431.
const LARGEST_HEAD: usize = 32 << 10;

/// What all connections have in common.
#[derive(Debug)]
pub(super) struct Served {
    pub router: Router,
    pub guard: Guard,
    pub crowding: Crowding,
    pub patience: Patience,
    pub tls: Option<Rotating<ServerConfig>>,
    pub metrics: Metrics,
}

impl Served {
    pub fn count(&self, result: &str) {
        self.metrics.connections.with_label_values(&[result]).inc();
    }

    pub async fn serve(self: Arc<Self>, stream: TcpStream, peer: IpAddr, stop: watch::Receiver<bool>) {
        // Answers are written whole; a failure only delays them.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return self.converse(stream, peer, stop).await };
        // A handshake costs as much as many requests, so it counts as one.
        if self.guard.handshake(peer).is_err() {
            return self.count("source-rate");
        }
        let handshake = TlsAcceptor::from(tls.get()).accept(stream);
        match tokio::time::timeout(self.patience.head, handshake).await {
            Ok(Ok(stream)) => self.converse(stream, peer, stop).await,
            // Whatever else speaks to this port is nobody's concern but the counter's.
            Ok(Err(_)) => self.count("handshake"),
            Err(_) => self.count("slow"),
        }
    }

    async fn converse<S>(self: &Arc<Self>, stream: S, peer: IpAddr, mut stop: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let phase = Phase::default();
        let stream = TokioIo::new(Paced::new(stream, phase.clone(), self.patience));
        let service = service_fn(|request| Arc::clone(self).answer(peer, phase.clone(), request));
        let mut protocol = http1::Builder::new();
        // hyper's timer runs between requests as well; a head that has begun is timed by `Paced`.
        protocol.timer(TokioTimer::new()).header_read_timeout(self.patience.idle).max_header_size(LARGEST_HEAD);
        let mut connection = pin!(protocol.serve_connection(stream, service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.time_to_leave(peer, &phase, &mut stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        self.count(ended.map_or_else(|error| why(&error), |()| "ended"));
    }

    /// Whether nothing verified has come from a peer lately. A proxy's connections are everybody's, so it is none.
    pub fn is_stranger(&self, peer: IpAddr) -> bool {
        !self.guard.trusts(peer) && !self.guard.knows(peer.into())
    }

    /// Waits until the host ends, or a stranger's connection rests while few places are left.
    async fn time_to_leave(&self, peer: IpAddr, phase: &Phase, stop: &mut watch::Receiver<bool>) {
        let mut news = self.crowding.news();
        let crowded = async {
            while news.changed().await.is_ok() {
                if phase.rests() && self.crowding.has_few_left() && self.is_stranger(peer) {
                    break;
                }
            }
        };
        tokio::select! {
            () = told(stop) => {}
            () = crowded => {}
        }
    }

    async fn answer(
        self: Arc<Self>,
        peer: IpAddr,
        phase: Phase,
        request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        phase.answering();
        let source = self.guard.source(peer, request.headers());
        let mut response = match self.guard.admit(source, request.method()) {
            Ok(()) => {
                let mut request = request.map(Body::new);
                if self.guard.knows(source) {
                    request.extensions_mut().insert(Known);
                }
                self.router.clone().oneshot(request).await?
            }
            Err(shed) => {
                self.metrics.requests_shed.with_label_values(&[shed.reason]).inc();
                shed.into_response()
            }
        };
        if let Some(word) = response.extensions().get::<Word>() {
            self.guard.hear(source, *word);
        }
        if self.crowding.has_few_left() && self.is_stranger(peer) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        phase.waiting();
        Ok(response)
    }
}

/// Waits until it is time to stop. An error means that the host is gone, which is a reason as well.
pub(super) async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn why(error: &hyper::Error) -> &'static str {
    let slow = |error: &std::io::Error| error.kind() == std::io::ErrorKind::TimedOut;
    match error.source().and_then(|source| source.downcast_ref()) {
        Some(error) if slow(error) => "slow",
        _ if error.is_timeout() => "idle",
        _ => "broken",
    }
}
