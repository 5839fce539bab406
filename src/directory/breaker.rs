//! The circuit breaker of one upstream: after several failures in a row nothing is sent for a while, then one trial.
//!
//! Pure: the time is an argument. What counts as a failure is the caller's word: no answer, or an answer that says the
//! upstream itself is broken (5xx). A refusal is an answer. Nothing about rates or queues goes here.

use std::time::{Duration, Instant};

/// How many failures in a row open the circuit.
const FAILURES: u32 = 5;
/// How long it stays open the first time; doubled with each failed trial.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest that it stays open.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The state of one circuit.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Calls pass; so many failed in a row.
    Closed { failures: u32 },
    /// Nothing passes before `until`; then one trial does, and after it the state is `Trying`.
    Open { until: Instant, pause: Duration },
    /// The one trial is under way.
    Trying { pause: Duration },
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Yes.
    Pass,
    /// Yes, as the one trial: its report decides, and a trial that never reports must be given back by
    /// [`Breaker::forgo`].
    Trial,
    /// No; ask again after so long.
    Refuse(Duration),
}

impl Breaker {
    /// A closed circuit.
    pub(super) fn new() -> Self {
        Breaker {
            state: State::Closed { failures: 0 },
        }
    }

    /// What [`Breaker::admit`] would say, without taking the trial.
    pub(super) fn look(&self, now: Instant) -> Verdict {
        match self.state {
            State::Closed { .. } => Verdict::Pass,
            State::Open { until, .. } if now >= until => Verdict::Trial,
            State::Open { until, .. } => Verdict::Refuse(until.saturating_duration_since(now)),
            State::Trying { .. } => Verdict::Refuse(FIRST_PAUSE),
        }
    }

    /// Whether a call may be made now. `Trial` is given once.
    pub(super) fn admit(&mut self, now: Instant) -> Verdict {
        let verdict = self.look(now);
        if let (Verdict::Trial, State::Open { pause, .. }) = (verdict, self.state) {
            self.state = State::Trying { pause };
        }
        verdict
    }

    /// Learns how a call went. Calls that began before the circuit opened tell nothing new.
    pub(super) fn report(&mut self, now: Instant, trial: bool, success: bool) {
        self.state = match (self.state, trial, success) {
            (State::Closed { .. }, _, true) | (State::Trying { .. }, true, true) => State::Closed { failures: 0 },
            (State::Closed { failures }, _, false) if failures + 1 < FAILURES => {
                State::Closed { failures: failures + 1 }
            }
            (State::Closed { .. }, _, false) => open(now, FIRST_PAUSE),
            (State::Trying { pause }, true, false) => open(now, LONGEST_PAUSE.min(pause.saturating_mul(2))),
            (unchanged @ (State::Open { .. } | State::Trying { .. }), _, _) => unchanged,
        };
    }

    /// Gives a trial back that was never made: the next call is the trial.
    pub(super) fn forgo(&mut self, now: Instant) {
        if let State::Trying { pause } = self.state {
            self.state = State::Open { until: now, pause };
        }
    }
}

fn open(now: Instant, pause: Duration) -> State {
    State::Open {
        until: now + pause,
        pause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new();
        (0..FAILURES).for_each(|_| breaker.report(now, false, false));
        breaker
    }

    #[test]
    fn opens_after_failures_in_a_row_only() {
        let now = Instant::now();
        let mut breaker = Breaker::new();
        for _ in 0..3 {
            (1..FAILURES).for_each(|_| breaker.report(now, false, false));
            assert_eq!(breaker.admit(now), Verdict::Pass);
            breaker.report(now, false, true);
        }
        (0..FAILURES).for_each(|_| breaker.report(now, false, false));
        assert_eq!(breaker.admit(now), Verdict::Refuse(FIRST_PAUSE));
    }

    #[test]
    fn one_trial_is_admitted_and_closes_the_circuit() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + FIRST_PAUSE;
        assert_eq!(breaker.look(later), Verdict::Trial);
        assert_eq!(breaker.admit(later), Verdict::Trial);
        assert!(
            matches!(breaker.admit(later), Verdict::Refuse(_)),
            "a second call during the trial"
        );
        breaker.report(later, true, true);
        assert_eq!(breaker.admit(later), Verdict::Pass);
    }

    #[test]
    fn failed_trials_double_the_pause_up_to_a_cap() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        for seconds in [2, 4, 8, 16, 32, 60, 60] {
            now += LONGEST_PAUSE;
            assert_eq!(breaker.admit(now), Verdict::Trial);
            breaker.report(now, true, false);
            assert_eq!(breaker.admit(now), Verdict::Refuse(Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn stragglers_neither_close_nor_prolong() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.report(now, false, true);
        breaker.report(now, false, false);
        assert_eq!(breaker.admit(now), Verdict::Refuse(FIRST_PAUSE));
    }

    #[test]
    fn a_trial_that_was_never_made_is_given_to_the_next() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + FIRST_PAUSE;
        assert_eq!(breaker.admit(later), Verdict::Trial);
        breaker.forgo(later);
        assert_eq!(breaker.admit(later), Verdict::Trial);
    }
}
