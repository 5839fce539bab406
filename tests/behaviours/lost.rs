//! Requests and answers that are lost, late or untrue: what is said was read back, and nothing is done twice.

use crate::{
    cell::{Cell, Verdict, check},
    fixture::{Person, SignIn, Way},
    resets::{SEALED, opened},
};
use readmit::domain::account::Step;
use serde_json::{Value, json};
use std::{thread::sleep, time::Duration};
use testkit::proxy::Fault;

/// Late, yet within the operator's quarantine.
const LATE: Duration = Duration::from_millis(2_500);

/// Strikes the next write about a person, asks, and gives the status at the end.
fn struck(
    cell: &Cell,
    person: &Person,
    fault: Fault,
    ask: impl FnOnce(&str) -> Value,
) -> Result<(Value, Box<dyn Way>), Verdict> {
    let (directory, way) = cell.troubled();
    way.strike(person, fault)?;
    let status = ask(&directory);
    assert_eq!(way.struck(person), 1, "nothing went wrong: {status:#}");
    Ok((status, way))
}

fn unlock(cell: &Cell, fault: Fault) -> Verdict {
    let person = cell.locked("lost");
    let (status, _way) = match struck(cell, &person, fault, |directory| cell.ask_unlock(directory, &person)) {
        Ok(struck) => struck,
        Err(verdict) => return verdict,
    };
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    if let Fault::Late(wait) = fault {
        sleep(wait);
    }
    assert_eq!(cell.fixture.sign_in(&person, &person.password), SignIn::Welcome);
    Verdict::Passed
}

pub fn unlock_before(cell: &Cell) -> Verdict {
    unlock(cell, Fault::LostBefore)
}

pub fn unlock_after(cell: &Cell) -> Verdict {
    unlock(cell, Fault::LostAfter)
}

pub fn unlock_late(cell: &Cell) -> Verdict {
    unlock(cell, Fault::Late(LATE))
}

/// The directory says that it was done, and it was not: reading back shows that, and it is sent again.
pub fn unlock_untrue(cell: &Cell) -> Verdict {
    unlock(cell, Fault::Untrue)
}

/// `set`: how often the password is set where its request can be recognised, and where it cannot.
fn password(cell: &Cell, fault: Fault, set: (usize, usize)) -> Verdict {
    let person = cell.person("lost");
    let ask = |directory: &str| {
        let request = cell.reset("reset", directory, &person, "TemporaryPassword", &json!({}));
        cell.ask(&request)
    };
    let (status, _way) = match struck(cell, &person, fault, ask) {
        Ok(struck) => struck,
        Err(verdict) => return verdict,
    };
    if let Some(why) = cell.fixture.unproven(Step::SetPassword) {
        check(&status, "Unknown", "OutcomeUnknown", "look at the account");
        assert_eq!(cell.fixture.passwords(&person), set.1);
        // It may be the one in force, so that whoever looks at the account needs it.
        assert!(!opened(&status).is_empty());
        return Verdict::PassedAs(why);
    }
    check(&status, "Succeeded", "PasswordReset", SEALED);
    assert_eq!(cell.fixture.passwords(&person), set.0);
    assert_eq!(cell.fixture.sign_in(&person, &opened(&status)), SignIn::MustChange);
    Verdict::Passed
}

pub fn password_before(cell: &Cell) -> Verdict {
    password(cell, Fault::LostBefore, (1, 0))
}

pub fn password_after(cell: &Cell) -> Verdict {
    password(cell, Fault::LostAfter, (1, 1))
}

pub fn password_late(cell: &Cell) -> Verdict {
    password(cell, Fault::Late(LATE), (1, 1))
}

/// Only the directory's own log can tell whether a link was sent.
pub fn link_after(cell: &Cell) -> Verdict {
    let person = cell.person("lost");
    let request = |directory: &str| cell.reset("link", directory, &person, "Link", &json!({}));
    if let Some(why) = cell.fixture.unable(Step::SendLink) {
        return cell.not_capable(&request(cell.shared()), &person, why);
    }
    let (status, _way) = match struck(cell, &person, Fault::LostAfter, |directory| {
        cell.ask(&request(directory))
    }) {
        Ok(struck) => struck,
        Err(verdict) => return verdict,
    };
    assert_eq!(cell.fixture.links(&person), 1, "never sent twice");
    if let Some(why) = cell.fixture.unproven(Step::SendLink) {
        check(&status, "Unknown", "OutcomeUnknown", "look at the account");
        return Verdict::PassedAs(why);
    }
    check(&status, "Succeeded", "LinkSent", "mailed a reset link to the owner");
    Verdict::Passed
}
