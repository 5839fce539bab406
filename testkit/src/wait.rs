//! Waiting for something to become true, with a deadline and a message that says what did not happen.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const PAUSE: Duration = Duration::from_millis(50);

/// Calls `probe` until it gives a value.
///
/// # Errors
/// When `timeout` has passed; `what` completes "waited 5 s for ...".
pub fn until<T>(what: &str, timeout: Duration, mut probe: impl FnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(value) = probe() {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            bail!("waited {} s for {what}", timeout.as_secs_f32());
        }
        std::thread::sleep(PAUSE);
    }
}

/// Calls `probe` until it succeeds; the last error is the cause of ours.
///
/// # Errors
/// As [`until`].
pub fn until_ok<T>(what: &str, timeout: Duration, mut probe: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + timeout;
    loop {
        match probe() {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= deadline => {
                return Err(error).context(format!("waited {} s for {what}", timeout.as_secs_f32()));
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_what_was_awaited_and_the_last_error() {
        let mut calls = 0;
        let error = until_ok("the moon", Duration::from_millis(120), || -> Result<()> {
            calls += 1;
            bail!("clouds, look {calls}")
        })
        .expect_err("it never succeeds");
        assert!(calls > 1);
        assert_eq!(
            format!("{error:#}"),
            format!("waited 0.12 s for the moon: clouds, look {calls}")
        );
    }

    #[test]
    fn gives_the_value_once_it_is_there() {
        let mut calls = 0;
        let value = until("three", Duration::from_secs(5), || {
            calls += 1;
            (calls == 3).then_some(calls)
        });
        assert_eq!(value.expect("it comes"), 3);
    }
}
