//! The core's own functions, explored: every order in which two operators without a lease can take their steps over two
//! requests for one account, with a crash, a pause, a lost reply and a watch that lags wherever they can strike.
//!
//! The world and the operators are those of `simulation`, so that nothing is modelled that the random schedules of
//! `domain` do not run too. Here a step is one thing that others can see or that shows what others did (a read, a write,
//! a send); what an operator does with itself is not split. Whatever is woken acts before time moves on, unless it is
//! paused, and time moves on a grid of [`state::GRID`]: nothing here tells a second from the next.
//!
//! Bounds: two operators, two requests, a life of a minute or two, and as many faults as [`state::Faults`] of a
//! [`model::Scene`] allow. They are chosen so that all of it runs within a minute and a half on two cores without
//! optimisation; `cargo test --test model -- --nocapture` prints the states, the depth and the time of each scene.
//!
//! `state` is a moment and what can happen in it, `model` the scenes and the properties, `print` tells moments apart,
//! `sound` explores what is, and `mutants` what would be without one of the guards.

#[path = "../simulation/mod.rs"]
mod simulation;

mod model;
mod mutants;
mod print;
mod sound;
mod state;
