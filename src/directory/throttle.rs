//! The budget of calls to one upstream, shared by everything that talks to it: rate, calls at once, whose turn it is,
//! and the circuit breaker.
//!
//! Waiters stand in one line, ordered by lane and then by arrival; only its head may go, so that nobody is overtaken
//! from behind. A waiter that is dropped leaves the line. There is no background task: the head sleeps until its turn
//! and whoever leaves wakes the next. The arithmetic is in `bucket` and `breaker`.

use super::{
    Call, Lane,
    breaker::{Breaker, Verdict},
    bucket::Bucket,
};
use crate::domain::account::{Failure, FailureClass};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// The budget of calls to one upstream, shared by everything that talks to it.
#[derive(Clone)]
pub struct Throttle {
    state: Arc<Mutex<State>>,
}

/// The right to make one call; given back when dropped.
#[must_use]
pub struct Permit {
    throttle: Throttle,
    granted: Instant,
    /// Whether this call is the one by which an open circuit finds out if the upstream is back.
    trial: bool,
    reported: bool,
}

/// A place in the line: lane first, then arrival.
type Place = (Lane, u64);

struct State {
    bucket: Bucket,
    breaker: Breaker,
    line: BTreeMap<Place, Arc<Notify>>,
    arrivals: u64,
    /// Calls let through.
    passed: u64,
    slots: u32,
    free: u32,
    /// How long a permit is held, averaged over the last few.
    hold: Duration,
}

impl Throttle {
    /// A budget of so many calls a minute, so many at once; at least one each.
    pub fn new(requests_per_minute: u32, concurrency: u32) -> Self {
        let slots = concurrency.max(1);
        Throttle {
            state: Arc::new(Mutex::new(State {
                bucket: Bucket::new(requests_per_minute, now()),
                breaker: Breaker::new(),
                line: BTreeMap::new(),
                arrivals: 0,
                passed: 0,
                slots,
                free: slots,
                hold: Duration::ZERO,
            })),
        }
    }

    /// Waits for the turn of this call, at most until its deadline. Cancellation safe.
    ///
    /// # Errors
    /// `RateLimited` where the turn does not come before the deadline, at once where that can be foreseen; `Transient`
    /// while the circuit breaker is open. Nothing was sent.
    pub async fn acquire(&self, call: &Call) -> Result<Permit, Failure> {
        let waiter = self.join(call)?;
        loop {
            let wake = match waiter.advance(call)? {
                Turn::Now(permit) => return Ok(permit),
                Turn::Later(wake) => tokio::time::Instant::from_std(wake.min(call.deadline)),
            };
            // Woken or not, the next round looks again.
            let _ = tokio::time::timeout_at(wake, waiter.bell.notified()).await;
        }
    }

    /// How long a new call in this lane would have to wait now.
    pub fn estimate(&self, lane: Lane) -> Duration {
        self.lock().estimate(lane, now())
    }

    /// How long a call in this lane would have to wait behind so many calls of so many requests, whether they stand in
    /// line already or not.
    pub fn wait_behind(&self, lane: Lane, calls: usize, requests: usize) -> Duration {
        let state = self.lock();
        let slots = usize::try_from(state.slots).unwrap_or(usize::MAX);
        let behind = u32::try_from((requests + 1).saturating_sub(slots)).unwrap_or(u32::MAX);
        let slot = state.hold.saturating_mul(behind) / state.slots;
        state.bucket.wait(lane, calls, now()).max(slot)
    }

    /// Why nothing is sent for a moment: the upstream did not answer.
    pub fn refusal(&self) -> Option<Failure> {
        self.lock().admissible(now()).err()
    }

    /// How many calls it has let through so far.
    pub fn passed(&self) -> u64 {
        self.lock().passed
    }

    /// Calls a minute and how many are left: the upstream's own count where its headers told it.
    pub fn snapshot(&self) -> (i64, i64) {
        let (limit, remaining) = self.lock().bucket.snapshot(now());
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        (whole(limit), whole(remaining))
    }

    /// Learns the upstream's own count for calls of this kind (limit and rest) from its headers: below a tenth only
    /// read-backs are sent until it is reset.
    pub fn observe(&self, kind: &'static str, count: (u64, u64), reset_in: Duration) {
        self.lock().bucket.observe(now(), kind, count, reset_in);
    }

    /// Sends nothing for so long, as the upstream asked.
    pub fn pause(&self, pause: Duration) {
        self.lock().bucket.pause(now(), pause);
    }

    /// The upstream had too many calls at once and cannot say when to come back: pauses, longer each time in a row.
    /// Answers how long.
    pub fn overloaded(&self) -> Duration {
        self.lock().bucket.overloaded(now())
    }

    fn join(&self, call: &Call) -> Result<Waiter, Failure> {
        let mut state = self.lock();
        let now = now();
        let wait = state.estimate(call.lane, now);
        state.admissible(now)?;
        if now + wait > call.deadline || now >= call.deadline {
            return Err(too_late(wait));
        }
        let place = (call.lane, state.arrivals);
        let bell = Arc::new(Notify::new());
        state.arrivals += 1;
        state.line.insert(place, bell.clone());
        Ok(Waiter {
            throttle: self.clone(),
            place,
            bell,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under this lock is complete in itself, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Tells that the upstream took the call, whatever it made of it: it does not have too many of them any more.
    pub fn taken(&self) {
        self.throttle.lock().bucket.taken(self.granted);
    }

    /// Gives the permit back and tells the circuit breaker how the call went. `success` means that the upstream
    /// answered and is not broken: a refusal is a success, no answer or a 5xx is not.
    pub fn report(mut self, success: bool) {
        self.reported = true;
        self.throttle.lock().breaker.report(now(), self.trial, success);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.throttle.lock();
        let now = now();
        if self.trial && !self.reported {
            state.breaker.forgo(now);
        }
        state.hold = (state.hold * 7 + now.saturating_duration_since(self.granted)) / 8;
        state.free += 1;
        state.wake_head();
    }
}

enum Turn {
    Now(Permit),
    Later(Instant),
}

/// Somebody in the line; leaves it when dropped.
struct Waiter {
    throttle: Throttle,
    place: Place,
    bell: Arc<Notify>,
}

impl Waiter {
    fn advance(&self, call: &Call) -> Result<Turn, Failure> {
        let mut state = self.throttle.lock();
        let now = now();
        state.admissible(now)?;
        if now >= call.deadline {
            return Err(too_late(state.estimate(call.lane, now)));
        }
        let is_head = state
            .line
            .first_key_value()
            .is_some_and(|(first, _)| *first == self.place);
        if !is_head || state.free == 0 {
            return Ok(Turn::Later(call.deadline));
        }
        let wait = state.bucket.wait(call.lane, 0, now);
        if now + wait > call.deadline {
            return Err(too_late(wait));
        }
        if wait > Duration::ZERO {
            return Ok(Turn::Later(now + wait));
        }
        let trial = state.breaker.admit(now) == Verdict::Trial;
        state.bucket.take(now);
        state.passed += 1;
        state.free -= 1;
        Ok(Turn::Now(Permit {
            throttle: self.throttle.clone(),
            granted: now,
            trial,
            reported: false,
        }))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut state = self.throttle.lock();
        state.line.remove(&self.place);
        state.wake_head();
    }
}

impl State {
    fn wake_head(&self) {
        if let Some((_, bell)) = self.line.first_key_value() {
            bell.notify_one();
        }
    }

    fn admissible(&self, now: Instant) -> Result<(), Failure> {
        match self.breaker.look(now) {
            Verdict::Pass | Verdict::Trial => Ok(()),
            Verdict::Refuse(after) => Err(Failure::new(
                FailureClass::Transient(Some(after)),
                "the directory did not answer several times in a row; it is tried again shortly",
            )),
        }
    }

    fn estimate(&self, lane: Lane, now: Instant) -> Duration {
        let ahead = self.line.range(..=(lane, u64::MAX)).count();
        let behind_slots = u32::try_from(ahead + 1).unwrap_or(u32::MAX).saturating_sub(self.free);
        let slot = self.hold.saturating_mul(behind_slots) / self.slots;
        self.bucket.wait(lane, ahead, now).max(slot)
    }
}

fn too_late(wait: Duration) -> Failure {
    let wait = wait.max(Duration::from_secs(1));
    Failure::new(
        FailureClass::RateLimited(wait),
        format!(
            "the directory's budget of calls is used up for about {} s",
            wait.as_secs()
        ),
    )
}

/// Tokio's clock, so that tests can pause it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests;
