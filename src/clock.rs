//! Time since the machine started, including the time that it was suspended.
//!
//! `Instant` stands still on Linux while a virtual machine is paused: somebody who measured a lease with it would
//! still believe in it after waking up. The wall clock is here too, so that the crash sweep can set it: it may jump, and
//! nothing that safety depends on is measured with it.

use jiff::Timestamp;
use std::time::Duration;

/// The wall clock.
pub fn now() -> Timestamp {
    #[cfg(feature = "failpoints")]
    return Timestamp::now() + jiff::SignedDuration::from_millis(crate::failpoint::offset("clock-wall"));
    #[cfg(not(feature = "failpoints"))]
    Timestamp::now()
}

/// The time since the machine started. Never goes backwards, and goes on while the machine is suspended.
pub fn boot_time() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let now = Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    );
    #[cfg(feature = "failpoints")]
    let now = now + Duration::from_millis(crate::failpoint::offset("clock-boot").unsigned_abs());
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_forward() {
        let before = boot_time();
        std::thread::sleep(Duration::from_millis(5));
        assert!(boot_time() - before >= Duration::from_millis(5));
        assert!(before > Duration::ZERO);
    }
}
