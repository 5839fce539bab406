//! What the tests of every provider ask and expect of it, whatever stands behind. No server belongs here, and nothing that
//! one provider alone needs.
#![allow(dead_code, reason = "each test program uses a part of it")]

use readmit::{
    api::common::AccountSelector,
    directory::{Call, Directory, Lane, Target},
    domain::account::{AccountRead, Failure, FailureClass, ReadFailure, Sent, Step},
    secret::Secret,
};
use std::time::{Duration, Instant};

/// A call with ample time.
pub fn call() -> Call {
    call_within(Duration::from_secs(20))
}

/// A call with ample time for a server that takes longer.
pub fn call_within(time: Duration) -> Call {
    Call {
        lane: Lane::Person,
        deadline: Instant::now() + time,
    }
}

pub fn login(name: &str) -> AccountSelector {
    AccountSelector {
        login: Some(name.into()),
        id: None,
        email: None,
    }
}

pub fn email(address: &str) -> AccountSelector {
    AccountSelector {
        login: None,
        id: None,
        email: Some(address.into()),
    }
}

pub fn id(id: &str) -> AccountSelector {
    AccountSelector {
        login: None,
        id: Some(id.into()),
        email: None,
    }
}

pub fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

/// Does one step to one account.
pub async fn act(directory: &dyn Directory, target: &Target, step: Step, password: &str) -> Sent {
    let call = call();
    match step {
        Step::Unlock => directory.unlock(&call, target).await,
        Step::SetPassword => directory.set_password(&call, target, &secret(password), &[]).await,
        Step::SendLink => directory.send_reset_link(&call, target).await,
        Step::RequireChange => directory.require_change(&call, target).await,
        Step::RevokeSessions => directory.revoke_sessions(&call, target).await,
    }
}

/// Why it was refused.
pub fn refused(sent: &Sent) -> Option<FailureClass> {
    match sent {
        Sent::Refused(failure) => Some(failure.class),
        _ => None,
    }
}

/// Why it could not be read.
pub fn failed<T>(read: &Result<T, ReadFailure>) -> Option<FailureClass> {
    match read {
        Err(ReadFailure::Failed(failure)) => Some(failure.class),
        _ => None,
    }
}

/// The failure of a reading that must fail.
#[track_caller]
pub fn unread(read: Result<AccountRead, ReadFailure>) -> Failure {
    match read {
        Err(ReadFailure::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

/// Whether a path fits a pattern, in which `*` stands for any one part.
pub fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern
            .iter()
            .zip(path)
            .all(|(pattern, part)| *pattern == "*" || *pattern == part)
}
