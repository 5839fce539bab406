//! The pure core, driven as the controller drives it, in a world made of plain values: no server, no clock, no I/O.
//!
//! The world and the operators in it are those of `simulation`; `schedule` is what may happen, `properties` what must hold
//! whatever happens, and `kept` schedules under which it once did not. `waits`, `endings`, `by_hand`, `fence`, `interrupted`
//! and `routing` are tables of single decisions in a `scene`; `lines` is about whose turn it is.

#[path = "../simulation/mod.rs"]
mod simulation;

mod by_hand;
mod endings;
mod fence;
mod interrupted;
mod kept;
mod lines;
mod patience;
mod properties;
mod routing;
mod scene;
mod schedule;
mod together;
mod waits;

use simulation::{build, replica, truth, world};
