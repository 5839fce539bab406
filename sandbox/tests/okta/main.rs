//! The simulated Okta against Okta's own contract and documented behaviour.

mod client;
mod contract;
mod faulty;
mod limits;
mod logs;
mod oauth;
mod process;
mod reads;
mod rights;
mod state_table;
mod writes;
