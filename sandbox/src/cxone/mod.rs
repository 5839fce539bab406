//! NICE CXone's Admin, Authentication and UserHub APIs and its sign-in for applications, as strict and as odd as known.
//!
//! [`Cxone`] is one tenant as plain data behind one lock. An operation is a synchronous function on it. HTTP, faults and
//! waiting are the [server](crate::server)'s business and must not come in here. There is no call that unlocks: a lock is
//! cleared in the console, which is [`Tenant::unlock`] here.
//! Sources: NICE's help pages on employees and locking, developer.niceincontact.com, and public clients of its APIs.

mod agents;
mod apply;
pub(crate) mod control;
mod errors;
mod oauth;
mod password;
mod quirks;
mod router;
mod seed;
mod shapes;
mod signin;
mod tenant;
mod userhub;
mod view;

pub use quirks::Quirk;
pub use seed::{
    ACCESS_KEY_ID, ACCESS_KEY_SECRET, CLIENT_ID, CLIENT_SECRET, OPERATOR, OTHER_KEY_ID, OTHER_KEY_SECRET, Person, Setup,
};
pub use signin::SignIn;
pub use tenant::{AccessKey, Agent, Cxone, HubStatus, Settings};
pub use view::Tenant;
