//! The same behaviours over every provider: each row of [`BEHAVIOURS`] on each of [`PROVIDERS`] is one test, asked by
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
mod lost;
mod matrix;
mod okta;
mod openldap;
mod resets;
mod trouble;
mod unlocks;
mod way;

use cell::{Cell, Verdict};
use fixture::Fixture;
use libtest_mimic::{Arguments, Trial};
use matrix::Matrix;
use serde_json::json;
use std::{
    panic::resume_unwind,
    process::ExitCode,
    sync::{Arc, OnceLock},
    thread,
};
use support::stage::{Stage, stage};
use testkit::skip::{self, Missing};

/// A row: a name for tests, a text for the matrix, and what is done and expected.
struct Behaviour {
    name: &'static str,
    text: &'static str,
    run: fn(&Cell) -> Verdict,
}

const fn behaviour(name: &'static str, text: &'static str, run: fn(&Cell) -> Verdict) -> Behaviour {
    Behaviour { name, text, run }
}

/// Every row, in the order of the matrix. Names have at most 20 characters.
const BEHAVIOURS: &[Behaviour] = &[
    behaviour("found-by-login", "Found by login", found::by_login),
    behaviour("found-by-id", "Found by the directory's own id", found::by_id),
    behaviour(
        "found-by-address",
        "Found by e-mail address, in any letter case",
        found::by_address,
    ),
    behaviour(
        "found-odd-names",
        "Found though the login is full of syntax",
        found::odd_names,
    ),
    behaviour(
        "nobody",
        "Nobody is found by a filter, a path or a query",
        found::nobody,
    ),
    behaviour(
        "ambiguous",
        "Two accounts with one address: neither is touched",
        found::ambiguous,
    ),
    behaviour(
        "protected",
        "A protected account is refused before any write",
        found::protected,
    ),
    behaviour("own", "Nobody asks for their own account", found::own),
    behaviour("unlock-locked", "Unlock: locked", unlocks::locked),
    behaviour(
        "unlock-not-locked",
        "Unlock: not locked, left alone",
        unlocks::not_locked,
    ),
    behaviour(
        "unlock-disabled",
        "Unlock: disabled and not locked, left alone",
        unlocks::disabled,
    ),
    behaviour(
        "unlock-locked-off",
        "Unlock: locked and disabled, refused",
        unlocks::locked_and_disabled,
    ),
    behaviour(
        "unlock-pipeline",
        "Unlock: by a pipeline, once however often created",
        unlocks::by_pipeline,
    ),
    behaviour("reset-link", "Reset: by a mailed link", resets::link),
    behaviour(
        "reset-temporary",
        "Reset: by a temporary password",
        resets::temporary_password,
    ),
    behaviour(
        "reset-must-change",
        "Reset: the owner must choose a new password",
        resets::must_change,
    ),
    behaviour(
        "reset-next-sign-in",
        "Reset: change at the next sign-in",
        resets::change_at_next_sign_in,
    ),
    behaviour(
        "reset-locked",
        "Reset: a locked account gets back in",
        resets::of_locked,
    ),
    behaviour(
        "reset-disabled",
        "Reset: a disabled account is refused",
        resets::of_disabled,
    ),
    behaviour("reset-sessions", "Reset: open sessions end", resets::sessions),
    behaviour(
        "reset-recreated",
        "Reset: once, however often its manifest is created",
        resets::recreated,
    ),
    behaviour(
        "read-back",
        "Read back: an unlock that was confirmed and not done",
        lost::unlock_untrue,
    ),
    behaviour("unlock-lost-before", "Unlock: the request is lost", lost::unlock_before),
    behaviour("unlock-lost-after", "Unlock: the reply is lost", lost::unlock_after),
    behaviour("unlock-late", "Unlock: committed late", lost::unlock_late),
    behaviour("reset-lost-before", "Reset: the request is lost", lost::password_before),
    behaviour("reset-lost-after", "Reset: the reply is lost", lost::password_after),
    behaviour("reset-late", "Reset: committed late", lost::password_late),
    behaviour("link-lost-after", "Link: the reply is lost", lost::link_after),
    behaviour("busy", "The directory is busy: waits, then done", trouble::busy),
    behaviour("rate-limit", "The Directory's rate limit is kept", trouble::budget),
    behaviour(
        "wrong-credential",
        "A wrong credential is tried once",
        trouble::wrong_credential,
    ),
];

/// A provider: its name, and what starts its server.
type Provider = (&'static str, fn() -> anyhow::Result<Box<dyn Fixture>>);

/// Every provider, in the order of the matrix.
const PROVIDERS: &[Provider] = &[("okta", okta::start), ("openldap", openldap::start)];

/// Rows wait more than they work.
const THREADS: usize = 16;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let matrix = Arc::new(Matrix::new());
    let mut trials = Vec::new();
    // The last rows take longest, and so begin first.
    for (place, row) in BEHAVIOURS.iter().enumerate().rev() {
        for provider in 0..PROVIDERS.len() {
            let name = format!("{}::{}", PROVIDERS[provider].0, row.name);
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
