//! Where secrets may not be: an operator that logs all it can acts on directories, succeeds and fails, and then every place
//! that keeps or tells something is searched for each secret, in every form that it could have there. What is planted or
//! known to be in a place must be found by the same search.
//!
//! `chosen` has what is special: secrets full of syntax, a reset that fails half way, a refused credential that stays
//! refused. `every_provider` does the same to all of them, by the fixtures of the suite `behaviours`.

#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code, reason = "the other suite looks at more of a server than this one")]
#[path = "../behaviours/fixture.rs"]
mod fixture;
#[allow(dead_code, reason = "nothing is made to go wrong here")]
#[path = "../behaviours/providers.rs"]
mod providers;
#[allow(dead_code, reason = "nothing is made to go wrong here")]
#[path = "../behaviours/way.rs"]
mod way;

mod chosen;
mod every_provider;
mod places;
mod search;
