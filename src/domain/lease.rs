//! Who may work: what one replica does about the lease that it sees.
//!
//! The lease only keeps replicas from working twice; claims are what makes two leaders harmless.

use std::time::Duration;

/// A lease that says it is valid for longer is not believed: whoever wrote it is not one of ours.
pub const LONGEST: Duration = Duration::from_secs(600);

/// What stands in the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; `None` once it was released.
    pub holder: Option<String>,
    /// How long it keeps others waiting; `None` where its writer did not say.
    pub duration: Option<Duration>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// There is none: create it.
    Create,
    /// It is free or ran out: write oneself into it.
    Take,
    /// It is one's own: renew it.
    Renew,
    /// Somebody else's, for at most so long unless they renew it.
    Follow(Duration),
}

/// What `me` does about the lease. `unchanged_for` is how long this process has seen it as it is, by its own clock:
/// times that other machines wrote down are not compared with this machine's. `duration` is our own, for a lease that
/// does not say.
pub fn evaluate(record: Option<&Record>, me: &str, unchanged_for: Duration, duration: Duration) -> Decision {
    let Some(record) = record else {
        return Decision::Create;
    };
    match record.holder.as_deref() {
        None | Some("") => Decision::Take,
        Some(holder) if holder == me => Decision::Renew,
        Some(_) => {
            let valid = record.duration.unwrap_or(duration).min(LONGEST);
            match valid.checked_sub(unchanged_for) {
                None | Some(Duration::ZERO) => Decision::Take,
                Some(rest) => Decision::Follow(rest),
            }
        }
    }
}

/// How long after a renewal was begun its holder may still work: a fifth less than others wait, for clocks that run
/// at different speeds and for what was begun last.
pub fn held_for(duration: Duration) -> Duration {
    duration.saturating_sub(duration / 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Duration = Duration::from_secs(15);

    #[test]
    fn each_lease_has_one_answer() {
        use Decision::{Create, Follow, Renew, Take};
        let secs = Duration::from_secs;
        // (holder and duration, unchanged for, answer)
        let table = [
            (None, 0, Create),
            (None, 900, Create),
            (Some((None, Some(10))), 0, Take),
            (Some((Some(""), Some(10))), 0, Take),
            (Some((Some("me"), Some(10))), 0, Renew),
            (Some((Some("me"), Some(10))), 900, Renew),
            (Some((Some("me"), None)), 0, Renew),
            (Some((Some("other"), Some(10))), 0, Follow(secs(10))),
            (Some((Some("other"), Some(10))), 9, Follow(secs(1))),
            (Some((Some("other"), Some(10))), 10, Take),
            (Some((Some("other"), Some(10))), 11, Take),
            (Some((Some("other"), Some(0))), 0, Take),
            (Some((Some("other"), None)), 14, Follow(secs(1))),
            (Some((Some("other"), None)), 15, Take),
            (Some((Some("other"), Some(86_400))), 599, Follow(secs(1))),
            (Some((Some("other"), Some(86_400))), 600, Take),
            (Some((Some("Me"), Some(10))), 0, Follow(secs(10))),
        ];
        for (lease, unchanged, expected) in table {
            let record = lease.map(|(holder, duration): (Option<&str>, Option<u64>)| Record {
                holder: holder.map(str::to_owned),
                duration: duration.map(secs),
            });
            let decision = evaluate(record.as_ref(), "me", secs(unchanged), OWN);
            assert_eq!(decision, expected, "{lease:?} unchanged for {unchanged} s");
        }
    }

    #[test]
    fn the_holder_stops_before_another_begins() {
        for secs in [1, 10, 15, 600] {
            let duration = Duration::from_secs(secs);
            let record = Record {
                holder: Some("holder".into()),
                duration: Some(duration),
            };
            let held = held_for(duration);
            assert!(matches!(
                evaluate(Some(&record), "me", held, duration),
                Decision::Follow(rest) if rest >= duration / 5
            ));
        }
    }
}
