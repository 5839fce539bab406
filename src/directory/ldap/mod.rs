//! What the LDAP providers share: connections, search filters, names, controls and the meaning of result codes.
//!
//! One short connection an operation: the client never reconnects by itself and never repeats a request. Referrals are
//! not followed. Answers are bounded by explicit attribute lists, by size and time limits and by the number of entries
//! that are taken. The protocol crate itself bounds neither the size of one message nor how deep it is nested: the
//! server is trusted that far, which is why its certificate is always verified.
//! Nothing about accounts, locks or policies of one product stands here.

pub mod connection;
pub mod credential;
pub mod dn;
pub mod endpoint;
pub mod entry;
pub mod fault;
pub mod filter;
pub mod groups;
pub mod listing;
pub mod lookup;
pub mod pages;
pub mod ppolicy;
pub mod profile;
pub mod protection;
pub mod selection;
pub mod sending;
pub mod server;
pub mod session;
pub mod time;

pub use connection::{Connection, Presence, Query};
pub use credential::Credential;
pub use endpoint::Endpoint;
pub use entry::Entry;
pub use fault::{Answer, Fault};
pub use selection::Selection;
pub use session::{Access, Session};
