//! Schedules that once broke a rule, as they were shrunk. The seeds in `regressions.txt` mean other schedules as soon as a
//! strategy changes; these stay.

use crate::{
    properties::{Setting, holds_in},
    replica::{Fault, How},
    schedule::{
        Event::{self, Advance, Outside},
        Outside::{ChangePassword, Country, Directory, Down, Protect, Recreate, Right},
        Wish,
    },
};
use readmit::api::Method::{self, ChangeAtNextSignIn, Link, TemporaryPassword};

const UNLOCK: Option<Method> = None;

/// Requests without an end of their own, in a directory that shows a marker or none.
fn asks(methods: &[Option<Method>], marks: bool) -> Setting {
    let wish = |method: &Option<Method>| Wish {
        method: *method,
        not_after: None,
    };
    (methods.iter().map(wish).collect(), 0, marks, false, false)
}

/// The same, for accounts whose credentials live elsewhere.
fn elsewhere(methods: &[Option<Method>]) -> Setting {
    let (wishes, choice, marks, together, _) = asks(methods, false);
    (wishes, choice, marks, together, true)
}

fn pass(replica: usize, request: usize) -> Event {
    with(replica, request, How::default())
}

fn with(replica: usize, request: usize, how: How) -> Event {
    Event::Pass { replica, request, how }
}

fn fault(fault: Fault) -> How {
    How {
        fault: Some(fault),
        ..How::default()
    }
}

fn crash(point: u8) -> How {
    How {
        crash: Some(point),
        ..How::default()
    }
}

/// The claim is written, and its writer is not told.
fn unheard() -> How {
    How {
        lost_write: true,
        ..How::default()
    }
}

#[test]
fn a_claim_that_was_left_is_gone_on_with_once() {
    let ask = || asks(&[UNLOCK, Some(TemporaryPassword)], true);
    let lost = || fault(Fault::LostBefore);
    holds_in(
        &ask(),
        &[with(0, 1, crash(1)), pass(1, 1), Advance(31_000), with(1, 1, lost())],
    );
    holds_in(
        &ask(),
        &[
            with(0, 1, lost()),
            pass(1, 1),
            Advance(31_000),
            with(1, 1, fault(Fault::Busy)),
            pass(0, 0),
        ],
    );
    holds_in(
        &asks(&[UNLOCK, Some(ChangeAtNextSignIn), UNLOCK], false),
        &[
            with(0, 1, crash(3)),
            Advance(31_000),
            with(0, 1, fault(Fault::Busy)),
            Advance(4_000_000),
            Advance(4_000_000),
        ],
    );
}

#[test]
fn what_nothing_shows_is_believed_or_unknown() {
    let pretended = || fault(Fault::Pretended);
    holds_in(&asks(&[Some(Link), UNLOCK], false), &[with(0, 0, pretended())]);
    holds_in(
        &asks(&[Some(TemporaryPassword)], true),
        &[
            with(0, 0, unheard()),
            pass(0, 0),
            Advance(31_000),
            with(0, 0, pretended()),
            Advance(31_000),
            Outside(ChangePassword),
        ],
    );
}

#[test]
fn a_denial_tells_what_was_done_before() {
    holds_in(
        &asks(&[Some(Link), UNLOCK], false),
        &[
            Outside(Recreate(2)),
            pass(0, 0),
            Outside(Recreate(0)),
            Outside(Country(false)),
        ],
    );
    holds_in(
        &asks(&[Some(Link), UNLOCK, UNLOCK], false),
        &[
            with(0, 1, fault(Fault::Late(1))),
            with(0, 0, crash(0)),
            Outside(Country(false)),
        ],
    );
    // A change that was required, and of which another process knows only what the account shows.
    holds_in(
        &asks(&[Some(ChangeAtNextSignIn), UNLOCK], false),
        &[pass(0, 1), with(0, 0, crash(3)), Outside(Protect(true))],
    );
    holds_in(
        &asks(&[UNLOCK, Some(ChangeAtNextSignIn), UNLOCK], false),
        &[
            pass(0, 2),
            with(1, 1, fault(Fault::Late(1))),
            Outside(Country(false)),
            pass(0, 0),
            Advance(12_000),
        ],
    );
    holds_in(
        &asks(&[Some(ChangeAtNextSignIn), UNLOCK], false),
        &[
            pass(1, 1),
            with(1, 2, fault(Fault::Late(1))),
            Advance(1_000),
            Outside(ChangePassword),
            Outside(Right(false)),
        ],
    );
}

/// The first object's change was required by a process that crashed, and refused to the next one: it counts.
#[test]
fn what_may_have_been_done_counts() {
    holds_in(
        &asks(&[Some(ChangeAtNextSignIn), Some(Link), UNLOCK], false),
        &[
            with(1, 0, crash(5)),
            Advance(31_000),
            with(1, 3, fault(Fault::Refused)),
            Outside(Recreate(0)),
        ],
    );
}

#[test]
fn a_wait_is_told_in_other_words_only_for_a_reason() {
    holds_in(
        &elsewhere(&[Some(TemporaryPassword)]),
        &[pass(0, 0), pass(0, 0), Advance(31_000), pass(0, 0)],
    );
    // The other operator's unlock is recorded, where this one had found nothing to do.
    holds_in(
        &elsewhere(&[UNLOCK]),
        &[
            with(0, 0, fault(Fault::Late(1))),
            Advance(1_000),
            pass(1, 0),
            pass(0, 0),
            pass(1, 0),
        ],
    );
    // That the directory does not answer is not known before it is asked.
    holds_in(
        &asks(&[UNLOCK], false),
        &[
            with(1, 0, fault(Fault::Busy)),
            Outside(Down(true)),
            pass(1, 0),
            Advance(1_000),
            pass(1, 0),
        ],
    );
    // Nor is it said that it was suspended while it is not asked because of a failure.
    holds_in(
        &asks(&[Some(TemporaryPassword)], true),
        &[
            with(0, 0, unheard()),
            pass(1, 0),
            Advance(31_000),
            with(1, 0, fault(Fault::Busy)),
            Outside(Directory(1)),
            pass(1, 0),
            Advance(12_000),
            pass(1, 0),
        ],
    );
}
