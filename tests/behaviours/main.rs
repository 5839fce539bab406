//! The same behaviours over every provider: each row of [`table`] on each of [`PROVIDERS`] is one test, asked by
//! manifests on a real API server and carried out by a real operator, one of each for the whole suite. What was seen is
//! the matrix in `docs/providers.md`, see [`matrix`]. How to add a provider stands in [`fixture`].
//!
//! The usual arguments of a test program work: `cargo test --test behaviours -- openldap::unlock`.

#[path = "../support/mod.rs"]
mod support;

mod board;
mod cell;
mod fixture;
mod found;
mod listed;
mod lost;
mod matrix;
mod providers;
mod resets;
mod table;
mod trouble;
mod unlocks;
mod way;

use cell::{Cell, Verdict};
use fixture::Fixture;
use libtest_mimic::{Arguments, Trial};
use matrix::Matrix;
use providers::PROVIDERS;
use serde_json::json;
use std::{
    panic::resume_unwind,
    process::ExitCode,
    sync::{Arc, OnceLock},
    thread,
};
use support::stage::{Stage, stage};
use table::BEHAVIOURS;
use testkit::skip::{self, Missing};

/// Rows wait more than they work.
const THREADS: usize = 12;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let matrix = Arc::new(Matrix::new());
    let mut trials = Vec::new();
    // The last rows take longest, and so begin first.
    for (place, row) in BEHAVIOURS.iter().enumerate().rev() {
        for (provider, (title, _)) in PROVIDERS.iter().enumerate() {
            let name = format!("{title}::{}", row.name);
            let matrix = matrix.clone();
            trials.push(Trial::test(name.clone(), move || {
                named(name, move || matrix.note(place, provider, || run(place, provider)));
                Ok(())
            }));
        }
    }
    // Without all rows there is nothing to compare.
    if arguments.filter.is_none() && arguments.skip.is_empty() {
        trials.push(Trial::test("docs::matrix", move || {
            named("docs::matrix".into(), move || matrix.compare());
            Ok(())
        }));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Runs a test in a thread of its name, by which skips and panics are told.
fn named(name: String, test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name(name).spawn(test).expect("a thread");
    if let Err(panic) = thread.join() {
        resume_unwind(panic);
    }
}

/// A row on a provider; `None` where it is skipped.
fn run(place: usize, provider: usize) -> Option<Verdict> {
    let stage = stage()?;
    let row = &BEHAVIOURS[place];
    let cell = Cell {
        stage,
        board: board::board(stage),
        fixture: fixture(stage, provider)?,
        row: row.name,
        place,
    };
    Some((row.run)(&cell))
}

/// The provider's fixture, with its namespace and its Directory on the stage.
fn fixture(stage: &'static Stage, provider: usize) -> Option<&'static dyn Fixture> {
    static STARTED: [OnceLock<Result<Box<dyn Fixture>, String>>; PROVIDERS.len()] =
        [const { OnceLock::new() }; PROVIDERS.len()];
    let started = STARTED[provider].get_or_init(|| match (PROVIDERS[provider].1)() {
        Ok(fixture) => {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": fixture.provider()}});
            stage.admin(&namespace.to_string());
            cell::connect(stage, fixture.provider(), fixture.directory(fixture.provider(), None));
            Ok(fixture)
        }
        Err(error) if error.chain().any(|cause| cause.is::<Missing>()) => Err(format!("{error:#}")),
        Err(error) => panic!("start {}: {error:#}", PROVIDERS[provider].0),
    });
    match started {
        Ok(fixture) => Some(&**fixture),
        // Each row notes its own skip.
        Err(missing) => skip::unless_missing(Err(Missing(missing.clone()).into())),
    }
}
