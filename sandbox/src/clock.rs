//! The sandbox's clock: real time plus an offset that tests may move forward.
//!
//! Every rule that depends on time (lockout, links, rate-limit windows, search lag) asks this clock and nothing else.
//! Waiting for latency and slow bodies uses real time and does not belong here.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

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

/// Renders a time as the APIs do: UTC with milliseconds, `2026-03-02T10:11:12.000Z`.
pub fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Renders a time as an HTTP `Date` header (RFC 9110, IMF-fixdate).
pub fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
