//! Free loopback ports.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Ports are taken from below the range from which the kernel picks those of outgoing connections (32768 and up), so
/// that no client takes one between the check and the server's start.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// The UDP ports of the same numbers, held until this process ends: they tell every other process that uses this
/// module that the TCP port is given away, even before somebody listens there.
static RESERVED: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());

/// A TCP port on 127.0.0.1 on which nothing listens now. No port is given out twice while the process that asked for
/// it runs, neither by it nor by another one.
///
/// # Panics
/// When every port of the range is taken.
pub fn free() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    if NEXT.load(Ordering::Relaxed) == 0 {
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.subsec_nanos());
        let start = 1 + nanos.wrapping_add(std::process::id().wrapping_mul(7919)) % COUNT;
        // Whoever comes second keeps the first one's start.
        let _ = NEXT.compare_exchange(0, start, Ordering::Relaxed, Ordering::Relaxed);
    }
    for _ in 0..COUNT {
        let candidate = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = u16::try_from(candidate).expect("the range lies below 65536");
        let Ok(reserved) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)) else {
            continue;
        };
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            RESERVED.lock().unwrap_or_else(PoisonError::into_inner).push(reserved);
            return port;
        }
    }
    panic!("no free port on 127.0.0.1 from {FIRST} to {}", FIRST + COUNT - 1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait;
    use std::time::Duration;

    /// A program that another test starts just now has a copy of the listener that looked whether the port is free, from
    /// its fork until its exec.
    fn listen(port: u16) -> TcpListener {
        wait::until_ok("the port to be free", Duration::from_secs(5), || {
            Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?)
        })
        .expect("the port is free")
    }

    #[test]
    fn another_process_sees_that_a_port_is_given_away() {
        let port = free();
        UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).expect_err("the mark by which others pass it over");
        listen(port);
    }

    #[test]
    fn gives_no_port_twice_and_none_in_use() {
        let first = free();
        let listener = listen(first);
        let others: Vec<u16> = (0..50).map(|_| free()).collect();
        assert!(!others.contains(&first));
        let mut unique = others.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), others.len());
        drop(listener);
    }
}
