//! Two thousand people of one Okta organisation locked out at once, and a budget of calls that lets in a little more than
//! one a second: nobody else may feel it, and who waits must know for how long.

#[path = "../support/mod.rs"]
mod support;

mod crowd;
mod lanes;
mod pace;
