//! The sandbox's clock: real time plus an offset that tests may move forward.
//!
//! Every rule that depends on time (lockout, links, rate-limit windows, search lag) asks this clock and nothing else.
//! Waiting for latency and slow bodies uses real time and does not belong here.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

/// Real time plus an offset in milliseconds.
#[derive(Debug, Default)]
pub struct Clock {
    offset_ms: AtomicI64,
}

impl Clock {
    /// The present moment as the simulated services see it.
    pub fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_millis(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Moves the clock forward (or, with a negative value, back) by milliseconds.
    pub fn advance(&self, milliseconds: i64) {
        self.offset_ms.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

/// A time as the APIs show it: UTC with milliseconds, `2026-03-02T10:11:12.000Z`.
#[derive(Debug, Clone, Copy)]
pub struct Iso(pub Timestamp);

impl fmt::Display for Iso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Renders a time as the APIs do.
pub fn iso(time: Timestamp) -> String {
    Iso(time).to_string()
}

/// Renders a time as an HTTP `Date` header (RFC 9110, IMF-fixdate).
pub fn http_date(time: Timestamp) -> String {
    let printed = DateTimePrinter::new().timestamp_to_rfc9110_string(&time);
    printed.expect("the clock shows a year of four digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rendered_as_the_apis_do() {
        let time: Timestamp = "2026-03-02T10:11:12.0459Z".parse().expect("a timestamp");
        assert_eq!(iso(time), "2026-03-02T10:11:12.045Z");
        assert_eq!(http_date(time), "Mon, 02 Mar 2026 10:11:12 GMT");
        let whole: Timestamp = "2026-12-31T00:00:00Z".parse().expect("a timestamp");
        assert_eq!(iso(whole), "2026-12-31T00:00:00.000Z");
        assert_eq!(http_date(whole), "Thu, 31 Dec 2026 00:00:00 GMT");
    }
}
