//! Which lifecycle operation is legal in which status, with the error where it is not.
//!
//! Pure: a function of operation, status, provider and quirks. Where the documentation says nothing, the stricter
//! answer is the default and a quirk gives the other.

use super::auth::Right;
use super::quirks::Quirk;
use super::user::{ProviderType, Status, User};
use crate::quirks::Quirks;

/// A lifecycle operation of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    Unlock,
    ResetPassword,
    ExpirePassword,
    ExpireWithTempPassword,
    Activate,
    Reactivate,
    Suspend,
    Unsuspend,
    Deactivate,
}

/// What the rules say about an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Legal; the status afterwards.
    To(Status),
    /// Refused with this error code.
    Refused(&'static str),
}

impl Operation {
    /// The operation that the last path segment names.
    pub fn from_path(name: &str) -> Option<Self> {
        Some(match name {
            "unlock" => Self::Unlock,
            "reset_password" => Self::ResetPassword,
            "expire_password" => Self::ExpirePassword,
            "expire_password_with_temp_password" => Self::ExpireWithTempPassword,
            "activate" => Self::Activate,
            "reactivate" => Self::Reactivate,
            "suspend" => Self::Suspend,
            "unsuspend" => Self::Unsuspend,
            "deactivate" => Self::Deactivate,
            _ => return None,
        })
    }

    pub(super) fn right(self) -> Right {
        match self {
            Self::Unlock | Self::ResetPassword | Self::ExpirePassword | Self::ExpireWithTempPassword => {
                Right::ManageCredentials
            }
            Self::Activate | Self::Reactivate | Self::Suspend | Self::Unsuspend | Self::Deactivate => {
                Right::ManageLifecycle
            }
        }
    }
}

/// Rules on an operation for a user in its present state.
pub fn rule(operation: Operation, user: &User, quirks: &Quirks<Quirk>) -> Ruling {
    match operation {
        Operation::Unlock => unlock(user, quirks),
        Operation::ResetPassword => reset(user, quirks),
        Operation::ExpirePassword | Operation::ExpireWithTempPassword => expire(user, quirks),
        Operation::Activate => activate(user),
        Operation::Reactivate => match user.status {
            Status::Provisioned | Status::Recovery => Ruling::To(Status::Provisioned),
            _ => Ruling::Refused("E0000038"),
        },
        Operation::Suspend if user.status == Status::Active => Ruling::To(Status::Suspended),
        Operation::Unsuspend if user.status == Status::Suspended => Ruling::To(Status::Active),
        Operation::Suspend | Operation::Unsuspend => Ruling::Refused("E0000001"),
        Operation::Deactivate if user.status == Status::Deprovisioned => Ruling::Refused("E0000038"),
        Operation::Deactivate => Ruling::To(Status::Deprovisioned),
    }
}

fn unlock(user: &User, quirks: &Quirks<Quirk>) -> Ruling {
    let local = matches!(user.provider.kind, ProviderType::Okta | ProviderType::Import);
    let locked = user.status == Status::LockedOut || (user.status == Status::Active && !user.blocks.is_empty());
    if local && locked {
        Ruling::To(Status::Active)
    } else if quirks.has(Quirk::Unlock403E0000032) {
        Ruling::Refused("E0000032")
    } else {
        Ruling::Refused("E0000038")
    }
}

fn reset(user: &User, quirks: &Quirks<Quirk>) -> Ruling {
    match user.provider.kind {
        ProviderType::Social => return Ruling::Refused("E0000017"),
        kind if kind.is_directory() && quirks.has(Quirk::DirectoryAgentDown) => return Ruling::Refused("E0000017"),
        _ => {}
    }
    let refused = match user.status {
        Status::Recovery => quirks.has(Quirk::ResetFromRecoveryRefused),
        Status::LockedOut => quirks.has(Quirk::ResetFromLockedOutRefused),
        Status::PasswordExpired => quirks.has(Quirk::ResetFromPasswordExpiredRefused),
        Status::Active => false,
        Status::Staged | Status::Provisioned => return Ruling::Refused("E0000017"),
        Status::Suspended | Status::Deprovisioned => true,
    };
    if refused {
        Ruling::Refused("E0000038")
    } else {
        Ruling::To(Status::Recovery)
    }
}

fn expire(user: &User, quirks: &Quirks<Quirk>) -> Ruling {
    match user.provider.kind {
        ProviderType::Federation | ProviderType::Social => return Ruling::Refused("E0000014"),
        kind if kind.is_directory() && quirks.has(Quirk::DirectoryAgentDown) => return Ruling::Refused("E0000014"),
        _ => {}
    }
    match user.status {
        Status::Active | Status::PasswordExpired => Ruling::To(Status::PasswordExpired),
        Status::LockedOut if quirks.has(Quirk::ExpireFromLockedOut) => Ruling::To(Status::PasswordExpired),
        _ => Ruling::Refused("E0000038"),
    }
}

fn activate(user: &User) -> Ruling {
    match user.status {
        Status::Staged if user.password.is_set() => Ruling::To(Status::Active),
        Status::Staged | Status::Deprovisioned => Ruling::To(Status::Provisioned),
        Status::Suspended => Ruling::Refused("E0000038"),
        Status::Provisioned | Status::Active | Status::Recovery | Status::PasswordExpired | Status::LockedOut => {
            Ruling::Refused("E0000016")
        }
    }
}
