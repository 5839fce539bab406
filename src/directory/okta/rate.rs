//! Okta's rate-limit headers. Pure, but for the jitter.
//!
//! `X-Rate-Limit-Reset` is a point in UTC seconds on Okta's clock, so it is measured against the `Date` of the same
//! answer. Source: developer.okta.com/docs/reference/rate-limits.

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use rand::Rng;
use reqwest::header::{DATE, HeaderMap};
use std::time::Duration;

/// The count that an answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) limit: u64,
    pub(super) remaining: u64,
    /// From the answer on, between 1 s and 2 min.
    pub(super) reset_in: Duration,
}

impl Rate {
    /// Reads the headers; `None` where one is missing or makes no sense. `now` stands in for a missing `Date`.
    pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Option<Self> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let reset = Timestamp::from_second(i64::try_from(number("x-rate-limit-reset")?).ok()?).ok()?;
        let date = date(headers).unwrap_or(now);
        let shortest = SignedDuration::from_secs(1);
        let reset_in = reset
            .duration_since(date)
            .clamp(shortest, SignedDuration::from_secs(120));
        Some(Rate {
            limit: number("x-rate-limit-limit")?,
            remaining: number("x-rate-limit-remaining")?,
            reset_in: reset_in.unsigned_abs(),
        })
    }

    /// Whether a 429 with this count is about calls at once, whose reset means nothing.
    pub(super) fn is_concurrency(&self) -> bool {
        self.limit == 0 && self.remaining == 0
    }
}

/// What Okta's clock showed when it answered, to the second.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(DATE)?.to_str().ok()?;
    rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
}

/// Up to a tenth more, so that several clients do not come back in one moment.
pub(super) fn with_jitter(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(1.0..1.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Option<Rate> {
        let headers = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        Rate::read(&headers, Timestamp::from_second(1_772_445_100).unwrap())
    }

    #[test]
    fn the_reset_is_measured_against_the_date_and_clamped() {
        const DATE: &str = "Mon, 02 Mar 2026 09:51:00 GMT"; // 1772445060
        for (reset, date, seconds) in [
            ("1772445080", DATE, 20),
            ("1772445000", DATE, 1),
            ("1772448660", DATE, 120),
            ("1772445110", "yesterday", 10),
        ] {
            let rate = read(&[
                ("x-rate-limit-limit", "600"),
                ("x-rate-limit-remaining", "12"),
                ("x-rate-limit-reset", reset),
                ("date", date),
            ]);
            let reset_in = Duration::from_secs(seconds);
            let (limit, remaining) = (600, 12);
            assert_eq!(
                rate,
                Some(Rate {
                    limit,
                    remaining,
                    reset_in
                }),
                "{reset} {date}"
            );
        }
    }

    #[test]
    fn headers_that_make_no_sense_are_none() {
        for reset in ["", "-1", "soon", "99999999999999999999", "9999999999999"] {
            let headers = [
                ("x-rate-limit-limit", "1"),
                ("x-rate-limit-remaining", "1"),
                ("x-rate-limit-reset", reset),
            ];
            assert_eq!(read(&headers), None, "{reset}");
        }
        assert_eq!(
            read(&[("x-rate-limit-reset", "1772445080"), ("x-rate-limit-limit", "1")]),
            None
        );
    }

    #[test]
    fn jitter_only_lengthens() {
        for _ in 0..100 {
            let pause = with_jitter(Duration::from_secs(10));
            assert!(
                pause >= Duration::from_secs(10) && pause <= Duration::from_secs(11),
                "{pause:?}"
            );
        }
    }
}
