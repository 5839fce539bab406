//! The judge of histories: a pure function from what was recorded to what is wrong with it. It knows what the design
//! promises and nothing of how operators or lanes are made.

mod hidden;
mod routed;
mod rules;
mod times;
mod told;

use crate::history::Event;
use told::Told;

/// What is wrong with a history; nothing, if it is as it should be.
pub fn judge(events: &[Event]) -> Vec<String> {
    match Told::of(events) {
        Ok(told) => rules::ALL.iter().flat_map(|rule| rule(&told)).collect(),
        Err(problem) => vec![problem],
    }
}
