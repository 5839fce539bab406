//! Time since the machine started, including the time that it was suspended.
//!
//! `Instant` stands still on Linux while a virtual machine is paused: somebody who measured a lease with it would
//! still believe in it after waking up. Neither the wall clock nor a test's clock belongs here.

use std::time::Duration;

/// The time since the machine started. Never goes backwards, and goes on while the machine is suspended.
pub fn boot_time() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
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
