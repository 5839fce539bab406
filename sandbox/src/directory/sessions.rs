//! Sign-in sessions of an account.

use jiff::Timestamp;

/// A session that a sign-in opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    pub opened: Timestamp,
    /// Name of the device it was opened on.
    pub device: String,
}
