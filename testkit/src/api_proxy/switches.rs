//! What holds for everything that passes, at any moment: frozen or not, how slow, how late watches are, and which
//! connections were cut. Running streams follow a change too.

use std::time::Duration;

use tokio::sync::watch;

use super::request::Call;
use super::rule::Matcher;

/// The state of the proxy.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) frozen: bool,
    pub(super) slow: Duration,
    pub(super) late: Option<(Matcher, Duration)>,
    /// Connections of an earlier generation have been cut.
    pub(super) generation: u64,
}

impl State {
    /// How late changes are told in this watch.
    pub(super) fn lateness(&self, watch: &Call) -> Duration {
        let late = self.late.as_ref().filter(|(matcher, _)| matcher.matches(watch));
        late.map_or(Duration::ZERO, |(_, by)| *by)
    }
}

/// Waits while the proxy is frozen. Ends too when the proxy is gone.
pub(super) async fn thawed(state: &mut watch::Receiver<State>) {
    // The sender is gone only with the proxy itself.
    let _ = state.wait_for(|state| !state.frozen).await;
}

/// Waits until connections of this generation are cut.
pub(super) async fn cut(state: &mut watch::Receiver<State>, generation: u64) {
    let _ = state.wait_for(|state| state.generation > generation).await;
}
