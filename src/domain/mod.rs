//! What is decided, without I/O, clock or chance: the same input gives the same decision.

pub mod account;
pub mod cel;
pub mod enforcement;
pub mod lease;
pub mod password;
