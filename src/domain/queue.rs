//! Whose turn it is to use a directory's budget of calls, and when the others may expect theirs. Pure: the time and what
//! the budget allows are arguments; who is woken, and how, is the shell's matter.
//!
//! A request that would overtake nobody and find the budget free is served at once. Every other one gets a place, by lane
//! and then by age, and is called when its turn comes: thousands that wait cost nothing until then. As many are served at
//! once as the budget feeds within a second, so that a lane that goes first is never behind more than that.

use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub mod places;

/// Whose turn it is when the budget of calls is short, first to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Reading back what was done; a tenth of the rate is kept back for it.
    ReadBack,
    /// Requests by people.
    Person,
    /// Requests by service accounts.
    ServiceAccount,
    /// Probes, sweeps and sets.
    Background,
}

/// A request joins those that are served while a call would come to its turn so soon.
const SOON: Duration = Duration::from_secs(1);
/// Who was called and does not come by then is counted as gone.
const ABSENT: Duration = Duration::from_secs(5);
/// Calls that a request is taken to cost before that is known: two readings of an account, one of its roles, one write.
const FIRST_COST: f64 = 4.0;
/// The most calls that one request is taken to cost.
const HIGHEST_COST: f64 = 64.0;
/// The weight of what is learned last.
const WEIGHT: f64 = 1.0 / 16.0;
/// The pace is told once so many were served in a row.
const KNOWN: u32 = 16;
/// A promise is given anew once it is wrong by so many times the notice of a wait, or by this part of the wait.
const SLACK: (u32, u32) = (6, 4);

/// A place: lane first, then age.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The lane.
    pub lane: Lane,
    /// When the request was created.
    pub created: Timestamp,
    /// Its uid, which decides between those of one second.
    pub uid: Arc<str>,
}

/// How it stands with a request that waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// How many requests go before it, those that are being served included.
    pub ahead: usize,
    /// How long that will take, as things look now.
    pub wait: Duration,
}

/// What a request that waits was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// When its turn comes.
    pub at: Timestamp,
    /// How many were before it when that was said.
    pub ahead: usize,
}

/// How long a call in this lane would wait now, behind so many calls of so many requests.
pub type Budget<'a> = &'a dyn Fn(Lane, usize, usize) -> Duration;

/// Who is served, and who waits. `T` says whom to call.
pub struct Queue<T> {
    waiting: BTreeMap<Place, T>,
    served: BTreeMap<Place, Served<T>>,
    /// Calls a request, averaged over the last ones.
    cost: f64,
    /// Seconds from one to the next, averaged over the last ones; and of how many in a row.
    pace: (f64, u32),
    /// When the last one left, and how many calls had been made by then.
    left: Option<(Duration, u64)>,
}

/// Somebody who is served.
enum Served<T> {
    /// Called, and not here yet.
    Called(T, Duration),
    /// Here.
    Here,
}

/// What to do about those who wait.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// It is the turn of this one.
    Call(T),
    /// Look again after so long.
    Later(Duration),
    /// Nobody waits.
    Nobody,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue {
            waiting: BTreeMap::new(),
            served: BTreeMap::new(),
            cost: FIRST_COST,
            pace: (0.0, 0),
            left: None,
        }
    }
}

impl<T: Clone> Queue<T> {
    /// Whether it is the turn of this request: `None` where it is, and it is served from now on until it leaves.
    pub fn ask(&mut self, place: &Place, who: impl FnOnce() -> T, now: Duration, budget: Budget) -> Option<Turn> {
        self.forget_absent(now);
        let first = self.waiting.range(..place).next().is_none();
        if self.served.contains_key(place) || first && self.opens(place.lane, budget).is_zero() {
            self.enter(place);
            return None;
        }
        self.waiting.entry(place.clone()).or_insert_with(who);
        Some(self.turn(place, budget))
    }

    /// It is served from now on, whoever waits: see [`places`].
    pub fn enter(&mut self, place: &Place) {
        self.waiting.remove(place);
        self.served.insert(place.clone(), Served::Here);
    }

    /// Whether this one was called and is awaited.
    pub fn is_called(&self, place: &Place) -> bool {
        matches!(self.served.get(place), Some(Served::Called(..)))
    }

    /// Whether this one waits, or was called meanwhile.
    pub fn waits(&self, place: &Place) -> bool {
        self.waiting.contains_key(place) || self.is_called(place)
    }

    /// The one whose turn it is. It keeps its place for a while.
    pub fn call(&mut self, now: Duration, budget: Budget) -> Next<T> {
        self.forget_absent(now);
        let Some((place, _)) = self.waiting.first_key_value() else {
            return Next::Nobody;
        };
        let rest = self.opens(place.lane, budget);
        if !rest.is_zero() {
            return Next::Later(rest);
        }
        match self.waiting.pop_first() {
            Some((place, who)) => {
                self.served
                    .insert(place, Served::Called(who.clone(), now.saturating_add(ABSENT)));
                Next::Call(who)
            }
            None => Next::Nobody,
        }
    }

    /// It has used the directory, or gives its place up. `calls`: how many were made in all so far.
    pub fn leave(&mut self, place: &Place, now: Duration, calls: u64) {
        self.waiting.remove(place);
        if matches!(self.served.remove(place), Some(Served::Here)) {
            self.learn(now, calls);
        }
    }

    /// Those who were called and are gone leave.
    pub fn dismiss(&mut self, gone: impl Fn(&T) -> bool) {
        self.served
            .retain(|_, served| !matches!(served, Served::Called(who, _) if gone(who)));
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn forget_absent(&mut self, now: Duration) {
        self.served
            .retain(|_, served| !matches!(served, Served::Called(_, until) if *until <= now));
    }

    /// How many are served that this lane waits for.
    fn under_way(&self, lane: Lane) -> usize {
        self.served.keys().filter(|place| place.lane <= lane).count()
    }

    /// How long until one more may be served.
    fn opens(&self, lane: Lane, budget: Budget) -> Duration {
        let under_way = self.under_way(lane);
        budget(lane, self.calls(under_way), under_way).saturating_sub(SOON)
    }

    /// How many calls so many requests cost.
    fn calls(&self, requests: usize) -> usize {
        (requests as f64 * self.cost).ceil() as usize
    }

    fn turn(&self, place: &Place, budget: Budget) -> Turn {
        let under_way = self.under_way(place.lane);
        let ahead = self.waiting.range(..place).count().saturating_add(under_way);
        let allowed = budget(place.lane, self.calls(ahead), under_way);
        // What really happens may be slower than the budget: by the directory's own limits, or its slowness.
        let (pace, known) = self.pace;
        let seen = match known >= KNOWN {
            true => Duration::try_from_secs_f64(pace * ahead as f64).unwrap_or_default(),
            false => Duration::ZERO,
        };
        Turn {
            ahead,
            wait: allowed.max(seen),
        }
    }

    /// What one request costs is learned only while others wait: else the calls between two are not about them.
    fn learn(&mut self, now: Duration, calls: u64) {
        if self.waiting.is_empty() {
            (self.left, self.pace) = (None, (0.0, 0));
            return;
        }
        if let Some((at, before)) = self.left.replace((now, calls)) {
            let cost = (calls.saturating_sub(before) as f64).min(HIGHEST_COST);
            self.cost += (cost - self.cost) * WEIGHT;
            let (pace, known) = self.pace;
            let seconds = now.saturating_sub(at).as_secs_f64();
            // A plain average at first.
            let weight = WEIGHT.max(1.0 / f64::from(known.saturating_add(1)));
            self.pace = (pace + (seconds - pace) * weight, known.saturating_add(1));
        }
    }
}

impl Promise {
    /// What a request that waits is told now. What it was told before stands while it is about right, so that thousands
    /// of statuses are not written anew each time one request is done.
    pub fn renewed(before: Option<Self>, now: Timestamp, turn: Turn, notice: Duration) -> Self {
        let signed = |wait: Duration| SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let at = now.saturating_add(signed(turn.wait)).unwrap_or(Timestamp::MAX);
        let slack = notice.saturating_mul(SLACK.0).max(turn.wait / SLACK.1);
        match before {
            Some(before) if before.at.duration_since(at).abs() <= signed(slack) => before,
            _ => Promise { at, ahead: turn.ahead },
        }
    }
}

/// How long until a request that waits is looked at again without being called, to see whether what it was told is still
/// about right.
pub fn recheck(turn: Turn, notice: Duration) -> Duration {
    (turn.wait / 2).max(notice.saturating_mul(SLACK.0))
}

#[cfg(test)]
mod tests;
