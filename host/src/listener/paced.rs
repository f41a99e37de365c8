//! A stream whose peer has to keep up: a head that has begun must end in time, and what is written must be taken.
//! hyper's own timer cannot tell a peer that rests between requests from one that sends a head byte by byte.

use super::Patience;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

const HEAD: u8 = 0;
const ANSWERING: u8 = 1;
const WAITING: u8 = 2;

/// Where a connection is. A new one owes its first head.
#[derive(Clone, Debug, Default)]
pub(super) struct Phase(Arc<AtomicU8>);

impl Phase {
    /// A head is read whole, and somebody is at work on it.
    pub fn answering(&self) {
        self.0.store(ANSWERING, Ordering::Relaxed);
    }
    /// The answer is made: the next byte begins the next head.
    pub fn waiting(&self) {
        self.0.store(WAITING, Ordering::Relaxed);
    }
    /// Between two requests: something was answered, and nothing has begun since.
    pub fn rests(&self) -> bool {
        self.is(WAITING)
    }
    fn is(&self, phase: u8) -> bool {
        self.0.load(Ordering::Relaxed) == phase
    }
}

#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    phase: Phase,
    patience: Patience,
    head_ends: Option<Pin<Box<Sleep>>>,
    write_ends: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub fn new(stream: S, phase: Phase, patience: Patience) -> Self {
        Self { stream, phase, patience, head_ends: None, write_ends: None }
    }

    /// A write that went on or failed clears its deadline; one that waits is held to it.
    fn pace_write<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_ends = None;
            return written;
        }
        ready!(overdue(&mut self.write_ends, self.patience.write, context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

/// Ready once the deadline, which begins with the first question, has passed.
fn overdue(ends: &mut Option<Pin<Box<Sleep>>>, patience: Duration, context: &mut Context<'_>) -> Poll<()> {
    ends.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(context)
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if this.phase.is(WAITING) && buffer.filled().len() > before {
            this.phase.0.store(HEAD, Ordering::Relaxed);
        }
        if !this.phase.is(HEAD) {
            this.head_ends = None;
            return read;
        }
        // Also where bytes came: a trickle never makes the stream wait for long.
        if overdue(&mut this.head_ends, this.patience.head, context).is_ready() {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.pace_write(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.pace_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.pace_write(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.pace_write(context, shut)
    }
}
