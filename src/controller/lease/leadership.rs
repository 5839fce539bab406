//! Whether this process leads, as everybody in it may ask, and where that is told. How the lease is won stands in the
//! module above.

use crate::clock::boot_time;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Until when this process leads, by two clocks: one that timers use, one that suspension does not stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) until: Instant,
    pub(super) boot_until: Duration,
}

/// Whether this process leads. Cheap to clone and to ask.
#[derive(Clone, Debug)]
pub struct Leadership(State);

#[derive(Clone, Debug)]
enum State {
    Elected(watch::Receiver<Option<Held>>),
    Always,
}

/// What [`run`] publishes through.
#[derive(Debug)]
pub struct Publisher(watch::Sender<Option<Held>>);

/// A pair of which [`run`] takes one half; nobody leads yet.
pub fn channel() -> (Publisher, Leadership) {
    let (sender, receiver) = watch::channel(None);
    (Publisher(sender), Leadership(State::Elected(receiver)))
}

impl Leadership {
    /// For a single replica without a Lease: always leads.
    pub fn always() -> Self {
        Leadership(State::Always)
    }

    /// Until when one may act, if at all; ask again right before each effect.
    pub fn held_until(&self) -> Option<Instant> {
        match &self.0 {
            State::Always => Some(Instant::now() + Duration::from_secs(3600)),
            State::Elected(receiver) => {
                let held = (*receiver.borrow())?;
                (held.until > Instant::now() && held.boot_until > boot_time()).then_some(held.until)
            }
        }
    }

    /// Whether one may act now.
    pub fn is_held(&self) -> bool {
        self.held_until().is_some()
    }

    /// Waits until this process leads. `false` where it never will, because the election has ended.
    pub async fn acquired(&mut self) -> bool {
        match &mut self.0 {
            State::Always => true,
            State::Elected(receiver) => receiver.wait_for(Option::is_some).await.is_ok(),
        }
    }
}

impl Publisher {
    /// Until when it leads from now on; `None` where it does not.
    pub(super) fn publish(&self, held: Option<Held>) {
        self.0.send_replace(held);
    }
}

/// However an election ends, nobody may go on believing in it.
impl Drop for Publisher {
    fn drop(&mut self) {
        self.publish(None);
    }
}
