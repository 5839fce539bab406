//! The operator's pure core, driven as the controller drives it, in a world made of plain values: no server, no clock,
//! no I/O. `domain` draws random schedules over it, `model` explores every schedule of a small world.
//!
//! `world` is what exists apart from the operator, `replica` one operator in it, `truth` what really happened and which
//! rules that broke. What may happen, and in which order, belongs to the test programs.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod build;
pub mod calls;
pub mod replica;
pub mod truth;
pub mod world;
