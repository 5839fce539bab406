//! How many calls may be made, and when: a token bucket of our own, and what the upstream's headers say.
//!
//! Pure: the time is an argument. Credit is kept as a stretch of time, so that sums are exact. Who waits, and in which
//! order, is not known here.

use super::Lane;
use std::time::{Duration, Instant};

/// The share of the rate that only read-backs may use, and of the upstream's own budget that is left alone.
const KEPT_BACK: u64 = 10;
/// The share of the upstream's own budget that is left alone by read-backs too.
const LAST: u64 = 50;
/// The first pause after "too many calls at once"; doubled with each that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A budget of calls.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    per_minute: u32,
    /// The time in which one call is earned.
    interval: Duration,
    /// Calls that only read-backs may use.
    reserve: u32,
    /// Earned and unspent, at most `full`, as of `refilled`.
    credit: Duration,
    full: Duration,
    refilled: Instant,
    paused_until: Instant,
    overloads: u32,
    /// By kind of call: an upstream counts them apart, and says which limit is whose in no other way.
    windows: Vec<(&'static str, Window)>,
}

/// The upstream's own count, as its headers told it.
#[derive(Clone, Copy, Debug)]
struct Window {
    limit: u64,
    remaining: u64,
    resets: Instant,
}

impl Bucket {
    /// So many calls a minute. A tenth of a minute's calls may be made at once, and as many again by read-backs.
    pub(super) fn new(per_minute: u32, now: Instant) -> Self {
        let per_minute = per_minute.max(1);
        let interval = Duration::from_secs(60) / per_minute;
        let reserve = (per_minute / 10).max(1);
        let full = interval * reserve.saturating_mul(2);
        Bucket {
            per_minute,
            interval,
            reserve,
            credit: full,
            full,
            refilled: now,
            paused_until: now,
            overloads: 0,
            windows: Vec::new(),
        }
    }

    /// How long a call in this lane has to wait behind `ahead` others.
    pub(super) fn wait(&self, lane: Lane, ahead: usize, now: Instant) -> Duration {
        let kept = if lane == Lane::ReadBack { 0 } else { self.reserve };
        let calls = u32::try_from(ahead)
            .unwrap_or(u32::MAX)
            .saturating_add(1)
            .saturating_add(kept);
        let earned = self.interval.saturating_mul(calls).saturating_sub(self.credit(now));
        let held = self.held_until(lane, now).saturating_duration_since(now);
        earned.max(held)
    }

    /// Spends one call.
    pub(super) fn take(&mut self, now: Instant) {
        self.credit = self.credit(now).saturating_sub(self.interval);
        self.refilled = now;
    }

    /// Nothing is sent for so long.
    pub(super) fn pause(&mut self, now: Instant, pause: Duration) {
        self.paused_until = self.paused_until.max(now + pause);
    }

    /// Too many calls at once: a pause that doubles each time. Answers how long it lasts.
    pub(super) fn overloaded(&mut self, now: Instant) -> Duration {
        // Calls that were under way together are refused together: that is one overload, not several.
        if now >= self.paused_until {
            let pause = FIRST_PAUSE
                .saturating_mul(1 << self.overloads.min(6))
                .min(LONGEST_PAUSE);
            self.overloads += 1;
            self.pause(now, pause);
        }
        self.paused_until.saturating_duration_since(now)
    }

    /// The upstream took a call that was let through then. Where that was after the last pause, the overload is over; one
    /// that was under way together with those that were refused says nothing.
    pub(super) fn taken(&mut self, let_through: Instant) {
        if let_through >= self.paused_until {
            self.overloads = 0;
        }
    }

    /// Learns the upstream's own count for calls of this kind: it has several, by path. Each holds until it is reset.
    pub(super) fn observe(
        &mut self,
        now: Instant,
        kind: &'static str,
        (limit, remaining): (u64, u64),
        reset_in: Duration,
    ) {
        if limit == 0 {
            return; // A concurrency limit speaks this way; it says nothing about the rate.
        }
        let resets = now + reset_in;
        self.windows.retain(|(of, window)| *of != kind && now < window.resets);
        self.windows.push((
            kind,
            Window {
                limit,
                remaining,
                resets,
            },
        ));
    }

    /// Calls a minute, and how many are left: the upstream's own count where it is known.
    pub(super) fn snapshot(&self, now: Instant) -> (u64, u64) {
        let running = self.windows.iter().filter(|(_, window)| now < window.resets);
        let share = |window: &Window| u128::from(window.remaining) * 1_000_000 / u128::from(window.limit);
        match running.min_by_key(|(_, window)| share(window)) {
            Some((_, window)) => (window.limit, window.remaining),
            None => {
                let left = self.credit(now).as_nanos() / self.interval.as_nanos().max(1);
                (self.per_minute.into(), u64::try_from(left).unwrap_or(u64::MAX))
            }
        }
    }

    fn credit(&self, now: Instant) -> Duration {
        let earned = now.saturating_duration_since(self.refilled);
        self.credit.saturating_add(earned).min(self.full)
    }

    fn held_until(&self, lane: Lane, now: Instant) -> Instant {
        let spent = |window: &Window| match lane {
            // Several may be under way when the last answer came.
            Lane::ReadBack => window.remaining.saturating_mul(LAST) < window.limit || window.remaining == 0,
            Lane::Person | Lane::ServiceAccount | Lane::Background => {
                window.remaining.saturating_mul(KEPT_BACK) < window.limit
            }
        };
        let held = self.windows.iter().map(|(_, window)| window);
        held.filter(|window| now < window.resets && spent(window))
            .map(|window| window.resets)
            .fold(self.paused_until, Instant::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn spends_a_burst_then_the_rate_and_keeps_a_tenth_for_read_backs() {
        let now = Instant::now();
        let mut bucket = Bucket::new(60, now);
        for _ in 0..6 {
            assert_eq!(bucket.wait(Lane::Person, 0, now), Duration::ZERO);
            bucket.take(now);
        }
        assert_eq!(bucket.wait(Lane::Person, 0, now), seconds(1));
        assert_eq!(bucket.wait(Lane::Person, 4, now), seconds(5));
        for _ in 0..6 {
            assert_eq!(bucket.wait(Lane::ReadBack, 0, now), Duration::ZERO);
            bucket.take(now);
        }
        assert_eq!(bucket.wait(Lane::ReadBack, 0, now), seconds(1));
        assert_eq!(bucket.wait(Lane::Background, 0, now), seconds(7));
    }

    #[test]
    fn earns_exactly_the_rate_and_never_more_than_a_full_bucket() {
        let start = Instant::now();
        let mut bucket = Bucket::new(600, start);
        let (mut now, mut calls) = (start, 0);
        while now < start + seconds(60) {
            match bucket.wait(Lane::Person, 0, now) {
                Duration::ZERO => (calls, _) = (calls + 1, bucket.take(now)),
                wait => now += wait,
            }
        }
        assert_eq!(
            calls,
            60 + 599,
            "the burst, then one each 100 ms before the minute is over"
        );
        assert_eq!(bucket.snapshot(now + seconds(3600)), (600, 120));
    }

    #[test]
    fn the_upstreams_own_count_stops_all_but_read_backs_below_a_tenth() {
        let now = Instant::now();
        for (remaining, person, read_back) in [(60, 0, 0), (59, 30, 0), (12, 30, 0), (11, 30, 30), (0, 30, 30)] {
            let mut bucket = Bucket::new(6000, now);
            bucket.observe(now, "read", (600, remaining), seconds(30));
            assert_eq!(bucket.wait(Lane::Person, 0, now), seconds(person), "{remaining} left");
            assert_eq!(
                bucket.wait(Lane::ReadBack, 0, now),
                seconds(read_back),
                "{remaining} left"
            );
            assert_eq!(
                bucket.wait(Lane::Person, 0, now + seconds(30)),
                Duration::ZERO,
                "after the reset"
            );
        }
    }

    #[test]
    fn the_tightest_count_holds_until_its_reset_and_the_next_after_it() {
        let now = Instant::now();
        let mut bucket = Bucket::new(6000, now);
        bucket.observe(now, "roles", (100, 5), seconds(30));
        bucket.observe(now, "read", (600, 599), seconds(60));
        assert_eq!(bucket.snapshot(now), (100, 5));
        assert_eq!(bucket.wait(Lane::Person, 0, now), seconds(30));
        // Read-backs went on meanwhile.
        bucket.observe(now + seconds(20), "read", (600, 59), seconds(40));
        assert_eq!(bucket.wait(Lane::Person, 0, now + seconds(30)), seconds(30));
        assert_eq!(bucket.snapshot(now + seconds(31)), (600, 59));
        bucket.observe(now + seconds(60), "read", (600, 599), seconds(60));
        assert_eq!(bucket.wait(Lane::Person, 0, now + seconds(60)), Duration::ZERO);
    }

    #[test]
    fn pauses_bind_every_lane_and_only_grow() {
        let now = Instant::now();
        let mut bucket = Bucket::new(6000, now);
        bucket.pause(now, seconds(20));
        bucket.pause(now, seconds(5));
        assert_eq!(bucket.wait(Lane::ReadBack, 0, now), seconds(20));
    }

    #[test]
    fn overloads_double_the_pause_and_count_once_together() {
        let mut now = Instant::now();
        let mut bucket = Bucket::new(6000, now);
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(bucket.overloaded(now), seconds(pause));
            assert_eq!(bucket.overloaded(now), seconds(pause), "refused together");
            now += seconds(pause);
        }
        bucket.taken(now.checked_sub(seconds(61)).unwrap());
        assert_eq!(
            bucket.overloaded(now),
            seconds(60),
            "what was under way with those that were refused is no recovery"
        );
        now += seconds(60);
        bucket.taken(now);
        assert_eq!(bucket.overloaded(now), seconds(1), "after an ordinary answer");
    }
}
