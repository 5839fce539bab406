//! The pure core, driven as the controller drives it, in a world made of plain values: no server, no clock, no I/O.
//!
//! `world` is what exists apart from the operator, `replica` one operator in it, `schedule` what may happen, and
//! `properties` what must hold whatever happens. `outcomes` and `order` are tables of single decisions.

mod build;
mod outcomes;
mod properties;
mod replica;
mod schedule;
mod truth;
mod world;
