//! The pure core, driven as the controller drives it, in a world made of plain values: no server, no clock, no I/O.
//!
//! `world` is what exists apart from the operator, `replica` one operator in it, `schedule` what may happen, and
//! `properties` what must hold whatever happens. `waits` and `endings` are tables of single
//! decisions in a `scene`.

mod build;
mod calls;
mod endings;
mod patience;
mod properties;
mod replica;
mod scene;
mod schedule;
mod truth;
mod waits;
mod world;
