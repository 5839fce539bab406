//! The closed sets of words that say how a request stands: [`Reason`] and [`Outcome`].
//!
//! One enum serves conditions, events, metrics and documentation, so that they cannot drift apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$doc])* $variant),+ }
        impl $name {
            /// Every member, in the order of the documentation.
            pub const ALL: &[$name] = &[$($name::$variant),+];
            /// The word as it stands in conditions, events and metrics.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => stringify!($variant)),+ }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// How a request ended. Absent from a status until it has. Clients tolerate further members.
    Outcome {
        /// What was asked for is so, and was read back.
        Succeeded,
        /// A rule said no; nothing was done.
        Denied,
        /// Its time ran out before anything was done.
        Expired,
        /// It could not be done, or only in part; the message says what was done.
        Failed,
        /// Whether it was done could not be found out; a person must look.
        Unknown,
    }
}

words! {
    /// Why a request stands where it stands.
    Reason {
        // Success
        /// The lock was cleared, and that was read back.
        Unlocked,
        /// The account was read as not locked; nothing was written to the directory.
        NotLocked,
        /// The password was set.
        PasswordReset,
        /// The directory mailed a reset link to the owner.
        LinkSent,
        /// The owner must choose a new password at the next sign-in.
        ChangeRequired,
        /// The same manifest already ran; nothing was done now.
        AlreadyExecuted,
        // Waiting
        /// No AccountPolicy covers this action in this directory.
        NoPolicy,
        /// The policy that the request names does not exist.
        PolicyNotFound,
        /// A policy that covers the request is not ready, for example because of a bad expression.
        PolicyNotReady,
        /// The requester lacks the verb `use` on the policy.
        NotAllowedToUse,
        /// The Directory that the request names does not exist.
        DirectoryNotFound,
        /// The Directory cannot be reached or is not ready.
        DirectoryUnavailable,
        /// `spec.notBefore` lies ahead.
        NotBefore,
        /// The request or its Directory is suspended.
        Suspended,
        /// The Directory's request budget is used up for the moment.
        RateLimited,
        /// The account reached a limit of the policy or the Directory.
        LimitReached,
        /// The operator lacks a right in the directory.
        MissingRights,
        /// Another request holds the account.
        AccountBusy,
        /// It was done; reading it back is outstanding.
        AwaitingReadBack,
        /// Somebody must do something in the vendor's console.
        AwaitingManualAction,
        /// The directory itself ends the lock later.
        AwaitingUpstream,
        // Endings
        /// A rule of the policy said no.
        PolicyDenied,
        /// The account is not eligible: not found, ambiguous or protected.
        NotEligible,
        /// The account is protected (said only to those who may know).
        Protected,
        /// The directory cannot do what is asked.
        NotCapable,
        /// The directory refused.
        Refused,
        /// The account was locked anew after the unlock.
        LockedAgain,
        /// The account changed since the request was made.
        ChangedSince,
        /// The requester's identity was not enforced when the request was created.
        IdentityNotEnforced,
        /// The request's time ran out.
        Expired,
        /// It is not known whether the directory did it.
        OutcomeUnknown,
        /// The account's ledger is full.
        LedgerFull,
    }
}

impl Reason {
    /// Whether a request that waits for this reason needs a person or an administrator to go on.
    pub const fn needs_person(self) -> bool {
        matches!(
            self,
            Reason::NoPolicy
                | Reason::PolicyNotFound
                | Reason::PolicyNotReady
                | Reason::NotAllowedToUse
                | Reason::DirectoryNotFound
                | Reason::MissingRights
                | Reason::AwaitingManualAction
                | Reason::IdentityNotEnforced
        )
    }
}
