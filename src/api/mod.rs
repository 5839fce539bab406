//! The Kubernetes API of Readmit: the kinds of group `readmit.dev/v1alpha1` and their schemas.
//!
//! Types only. What they mean is decided in [`crate::domain`]; nothing here reads a clock, a server or a file.
//! A field is in a schema only once it works.

pub mod account;
pub mod account_policy;
pub mod account_unlock_request;
pub mod common;
pub mod condition;
pub mod directory;
pub mod duration;
pub mod password_reset_request;
pub mod provider;
pub mod reason;
pub mod request;
pub mod request_status;
pub mod schema;

pub use account::{Account, AccountFields};
pub use account_policy::{AccountPolicy, AccountPolicySpec};
pub use account_unlock_request::{AccountUnlockRequest, AccountUnlockRequestSpec};
pub use common::{Action, Limit, Method, Requester};
pub use condition::Condition;
pub use directory::{Directory, DirectorySpec};
pub use duration::Span;
pub use password_reset_request::{PasswordResetRequest, PasswordResetRequestSpec};
pub use reason::{Outcome, Reason};
pub use request::RequestFields;
pub use request_status::RequestStatus;

/// The API group of every kind; also the prefix of labels, annotations and field managers.
pub const GROUP: &str = "readmit.dev";
/// The one served version.
pub const VERSION: &str = "v1alpha1";
/// The category that `kubectl get readmit` lists. Never `all`.
pub const CATEGORY: &str = "readmit";
/// Label of an [`Account`] whose ledger holds an open claim; the value is the uid of the claiming request.
pub const CLAIM_LABEL: &str = "readmit.dev/claim";
/// Label of an [`Account`] that is listed as locked: `Locked`.
pub const STATE_LABEL: &str = "readmit.dev/state";
/// Label of an [`Account`] that is listed as locked: the Directory that lists it.
pub const DIRECTORY_LABEL: &str = "readmit.dev/directory";
