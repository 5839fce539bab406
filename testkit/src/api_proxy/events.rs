//! The body of a watch on its way to the client: change by change, late if so told, held while the proxy is frozen.

use bytes::Bytes;
use futures::{Stream, stream};
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::relay::Cut;
use super::request::Call;
use super::switches::{self, State};

/// A piece as it came from the API server, and when it is to be told.
type Piece = (Instant, Result<Frame<Bytes>, Cut>);

/// The pieces of `body`, each as late as the proxy's state says when it comes.
pub(super) fn told(
    body: reqwest::Body,
    call: Call,
    state: watch::Receiver<State>,
) -> impl Stream<Item = Result<Frame<Bytes>, Cut>> {
    // Read at once, so that a delay does not add up. Unbounded: what waits here is a test's few objects.
    let (sender, pieces) = mpsc::unbounded_channel();
    tokio::spawn(read(body, call, state.clone(), sender));
    stream::unfold((pieces, state), |(mut pieces, mut state)| async move {
        let (due, piece) = pieces.recv().await?;
        sleep_until(due).await;
        switches::thawed(&mut state).await;
        Some((piece, (pieces, state)))
    })
}

/// Reads until the stream or its reader ends.
async fn read(
    mut body: reqwest::Body,
    call: Call,
    state: watch::Receiver<State>,
    sender: mpsc::UnboundedSender<Piece>,
) {
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            () = sender.closed() => return,
        };
        let Some(frame) = frame else { return };
        let due = Instant::now() + state.borrow().lateness(&call);
        if sender.send((due, frame.map_err(Cut::from))).is_err() {
            return;
        }
    }
}
