//! The clock by which this process measures how much time has passed.
//!
//! Times of day are for people and for comparing with what a server wrote down; nothing here tells them.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Time since the machine started, sleep included, in contrast to [`std::time::Instant`]: a lease runs out also while
/// the machine sleeps (Linux, `CLOCK_BOOTTIME`). Never goes back.
pub fn boottime() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_and_counts_what_the_kernel_counts() {
        let before = boottime();
        std::thread::sleep(Duration::from_millis(20));
        let passed = boottime() - before;
        assert!(passed >= Duration::from_millis(20), "{passed:?}");
        let uptime = std::fs::read_to_string("/proc/uptime").expect("/proc/uptime");
        let seconds: f64 = uptime.split(' ').next().expect("a number").parse().expect("seconds");
        assert!((boottime().as_secs_f64() - seconds).abs() < 2.0, "{seconds}");
    }
}
