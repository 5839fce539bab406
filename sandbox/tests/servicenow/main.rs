//! ServiceNow's API as documented, by a client that takes nothing for granted: a raw HTTP client.

mod access;
mod client;
mod contract;
mod oauth;
mod process;
