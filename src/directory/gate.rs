//! Whether the operator's own credential may be sent: a refused one is used no more, and until one has been accepted
//! calls go one at a time, so that a wrong one is tried once. What counts as refused is the provider's matter.

use crate::domain::account::{Failure, FailureClass};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, MutexGuard};

/// How one credential has fared.
pub(super) struct Gate {
    /// What is said once it was refused: by whom, and what to do.
    refused_words: &'static str,
    accepted: AtomicBool,
    refused: AtomicBool,
    first: Mutex<()>,
}

impl Gate {
    /// A credential that was not sent yet.
    pub(super) fn new(refused_words: &'static str) -> Self {
        Gate {
            refused_words,
            accepted: AtomicBool::new(false),
            refused: AtomicBool::new(false),
            first: Mutex::new(()),
        }
    }

    /// Waits until nobody else is the first to use the credential; at once where it has been accepted before.
    ///
    /// # Errors
    /// `RateLimited` at the deadline.
    pub(super) async fn alone_until_accepted(&self, deadline: Instant) -> Result<Option<MutexGuard<'_, ()>>, Failure> {
        if self.accepted.load(Ordering::Acquire) {
            return Ok(None);
        }
        match tokio::time::timeout_at(deadline.into(), self.first.lock()).await {
            Ok(_) if self.accepted.load(Ordering::Acquire) => Ok(None),
            Ok(alone) => Ok(Some(alone)),
            Err(_) => Err(Failure::new(
                FailureClass::RateLimited(Duration::from_secs(1)),
                "whether the directory accepts the operator's credential is still being found out",
            )),
        }
    }

    /// Whether the credential may be sent.
    ///
    /// # Errors
    /// `CredentialRefused` where it was refused before.
    pub(super) fn usable(&self) -> Result<(), Failure> {
        match self.refused.load(Ordering::Acquire) {
            false => Ok(()),
            true => Err(Failure::new(FailureClass::CredentialRefused, self.refused_words)),
        }
    }

    /// The directory took the credential.
    pub(super) fn accept(&self) {
        self.accepted.store(true, Ordering::Release);
    }

    /// The directory refused it.
    pub(super) fn refuse(&self) {
        self.refused.store(true, Ordering::Release);
    }
}
