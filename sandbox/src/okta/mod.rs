//! Okta's API for users, credentials, sessions, roles, groups and the system log, as strict and as odd as documented.
//!
//! [`Okta`] is the whole organisation as plain data behind one lock; an operation is a synchronous function on it.
//! HTTP, faults and waiting are the [server](crate::server)'s business and must not come in here.
//! Sources: Okta's Admin Management API (OpenAPI), error code and event type catalogues, rate limit and log guides.

mod apply;
pub mod auth;
mod credentials;
pub mod errors;
mod evaluate;
mod expression;
mod groups;
mod jwt;
mod legality;
mod lifecycle;
mod links;
mod logs;
mod oauth;
mod org;
mod pages;
pub mod quirks;
pub mod rate_limit;
mod router;
mod sessions;
mod shapes;
mod signin;
mod update;
pub mod user;
mod users;

pub use apply::Admission;
pub use legality::{Operation as LifecycleOperation, Ruling, rule};
pub use org::{Context, Mail, Okta, Settings};
pub use pages::PageOutcome;
pub use signin::SignIn;
