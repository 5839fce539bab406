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

impl Held {
    fn is_current(&self) -> bool {
        self.until > Instant::now() && self.boot_until > boot_time()
    }
}

/// What is told of the election.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    held: Option<Held>,
    /// How often this process has begun to lead.
    term: u64,
}

/// Whether this process leads. Cheap to clone and to ask.
#[derive(Clone, Debug)]
pub struct Leadership(State);

#[derive(Clone, Debug)]
enum State {
    Elected(watch::Receiver<Told>),
    Always,
}

/// What [`run`](super::run) publishes through.
#[derive(Debug)]
pub struct Publisher(watch::Sender<Told>);

/// A pair of which [`run`](super::run) takes one half; nobody leads yet.
pub fn channel() -> (Publisher, Leadership) {
    let (sender, receiver) = watch::channel(Told::default());
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
                // Kept until the clocks were asked: see `Publisher::publish`.
                let told = receiver.borrow();
                told.held.filter(Held::is_current).map(|held| held.until)
            }
        }
    }

    /// Whether one may act now.
    pub fn is_held(&self) -> bool {
        self.held_until().is_some()
    }

    /// Which time it is that this process leads, where it does. A renewal that came too late begins another term, however
    /// short the time between: whoever was turned away then waits to be told.
    pub fn term(&self) -> Option<u64> {
        self.held_until().map(|_| match &self.0 {
            State::Always => 0,
            State::Elected(receiver) => receiver.borrow().term,
        })
    }

    /// Waits until this process leads. `false` where it never will, because the election has ended.
    pub async fn acquired(&mut self) -> bool {
        match &mut self.0 {
            State::Always => true,
            State::Elected(receiver) => receiver.wait_for(|told| told.held.is_some()).await.is_ok(),
        }
    }
}

impl Publisher {
    /// Until when it leads from now on; `None` where it does not.
    pub(super) fn publish(&self, held: Option<Held>) {
        self.0.send_modify(|told| {
            // Whoever was turned away by what stood before asked the clocks before this moment.
            let renewed = told.held.is_some_and(|before| before.is_current());
            told.held = held;
            told.term += u64::from(held.is_some() && !renewed);
        });
    }
}

/// However an election ends, nobody may go on believing in it.
impl Drop for Publisher {
    fn drop(&mut self) {
        self.publish(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Between a term that ran out and its late renewal there may be milliseconds, which nobody sees who looks now and
    /// then.
    #[test]
    fn a_late_renewal_begins_another_term() {
        let (publisher, leadership) = channel();
        assert_eq!(leadership.term(), None, "before the first one");
        let (long, short) = (Duration::from_secs(60), Duration::from_millis(1));
        for (what, instant, boot, expected) in [
            ("taken", long, long, Some(1)),
            ("renewed", long, long, Some(1)),
            ("by an instant", short, long, None),
            ("renewed too late", long, short, None),
            ("again, by the boot-time clock", long, long, Some(3)),
        ] {
            let (until, boot_until) = (Instant::now() + instant, boot_time() + boot);
            publisher.publish(Some(Held { until, boot_until }));
            std::thread::sleep(2 * short);
            assert_eq!(leadership.term(), expected, "{what}");
            assert_eq!(leadership.is_held(), expected.is_some(), "{what}");
        }
        publisher.publish(None);
        assert_eq!(leadership.term(), None, "released");
    }

    #[test]
    fn without_an_election_there_is_one_term() {
        assert_eq!(Leadership::always().term(), Some(0));
    }
}
