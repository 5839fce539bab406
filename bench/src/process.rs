//! What the kernel knows of a process: its memory and the CPU time that it used (proc(5)).

use std::time::Duration;

use anyhow::{Context, Result};

/// What the kernel counts CPU time in, for user space: USER_HZ, 100 on every architecture that Linux runs on today.
const TICKS_PER_SECOND: u32 = 100;

/// CPU time of all threads so far, user and system.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration> {
    let file = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    ticks(&stat)
        .map(|ticks| Duration::from_secs(ticks) / TICKS_PER_SECOND)
        .with_context(|| format!("{file} is not as expected: {stat}"))
}

/// The resident set in MB (10^6 bytes).
pub(crate) fn resident_mb(pid: u32) -> Result<f64> {
    let file = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    kibibytes(&status, "VmRSS:")
        .map(|kib| kib * 1024.0 / 1e6)
        .with_context(|| format!("{file} does not tell VmRSS"))
}

/// Fields 14 and 15, utime and stime; the second field is the program's name in parentheses and may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some(user + system)
}

fn kibibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let stat = "17 (a) b (c)) S 1 17 17 0 -1 4194560 1 2 3 4 250 50 6 7 20 0 9 0 88 99";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("17 (a"), None);
    }

    #[test]
    fn the_resident_set_is_found() {
        assert_eq!(
            kibibytes("VmPeak:\t  900 kB\nVmRSS:\t   512 kB\n", "VmRSS:"),
            Some(512.0)
        );
        assert_eq!(kibibytes("Name:\tx\n", "VmRSS:"), None);
    }

    #[test]
    fn this_process_uses_memory_and_time() {
        let own = std::process::id();
        assert!(resident_mb(own).expect("this process") > 0.1);
        let (before, mut sum) = (cpu_time(own).expect("this process"), 0_u64);
        while cpu_time(own).expect("this process") == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }
}
