//! ServiceNow's Table API and token endpoint, as strict and as odd as documented.
//!
//! [`ServiceNow`] is the whole instance as plain data behind one lock: tables of rows whose values are texts, as the API
//! shows them. An operation is a synchronous function on it. HTTP, faults and waiting are the
//! [server](crate::server)'s business and must not come in here.
//! Sources: ServiceNow's product documentation (Table API, inbound REST API rate limiting, OAuth) and knowledge base.

mod access;
mod apply;
mod auth;
pub(crate) mod control;
mod errors;
mod instance;
mod oauth;
mod query;
mod quirks;
mod rate_limit;
mod reads;
mod router;
mod rules;
mod schema;
mod seed;
mod shapes;
mod signin;
mod view;
mod writes;

pub use instance::{Row, ServiceNow, Settings};
pub use oauth::OAuthClient;
pub use quirks::Quirk;
pub use rate_limit::RateRule;
pub use seed::{OPERATOR, OPERATOR_PASSWORD, Setup, User};
pub use signin::SignIn;
pub use view::Instance;
