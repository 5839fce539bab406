//! The simulated CXone tenant, by a raw client: that it is as the public documents and clients show.

mod client;
mod contract;
mod process;
