//! Unlocks, by what state the account is in and who asks.

use crate::{
    cell::{Cell, Verdict, check},
    fixture::SignIn,
    support::ldap::in_seconds,
};
use serde_json::json;

pub fn locked(cell: &Cell) -> Verdict {
    let person = cell.locked("locked");
    let sign_in = || cell.fixture.sign_in(&person, &person.password);
    assert_eq!(sign_in(), SignIn::Refused, "really locked");
    let status = cell.ask_unlock(cell.shared(), &person);
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    assert!(status["lockout"].is_object(), "the lock that it cleared: {status:#}");
    assert_eq!(sign_in(), SignIn::Welcome);
    let writes = usize::from(cell.fixture.by_hand().is_none());
    assert_eq!(cell.fixture.writes(&person).len(), writes);
    assert_eq!(cell.fixture.passwords(&person), 0);
    // A person's unlock that can do nothing else needs no claim, and leaves none.
    let claimed = status["account"]["ref"].is_string();
    assert_eq!(claimed, cell.fixture.claims_unlocks(), "{status:#}");
    cell.unlocked()
}

pub fn not_locked(cell: &Cell) -> Verdict {
    let person = cell.person("free");
    let status = cell.ask_unlock(cell.shared(), &person);
    check(
        &status,
        "Succeeded",
        "NotLocked",
        "read as not locked; nothing was done",
    );
    assert_eq!(cell.fixture.writes(&person), [""; 0]);
    Verdict::Passed
}

pub fn disabled(cell: &Cell) -> Verdict {
    let person = match cell.fixture.disabled(&cell.person_name("off"), false) {
        Ok(person) => person,
        Err(lacking) => return lacking.into(),
    };
    let status = cell.ask_unlock(cell.shared(), &person);
    check(&status, "Succeeded", "NotLocked", "it is disabled; nothing was done");
    assert_eq!(cell.fixture.writes(&person), [""; 0]);
    Verdict::Passed
}

pub fn locked_and_disabled(cell: &Cell) -> Verdict {
    let person = match cell.fixture.disabled(&cell.person_name("off"), true) {
        Ok(person) => person,
        Err(lacking) => return lacking.into(),
    };
    let status = cell.ask_unlock(cell.shared(), &person);
    check(&status, "Failed", "Refused", "the account is locked and disabled");
    assert_eq!(cell.fixture.writes(&person), [""; 0]);
    Verdict::Passed
}

/// A service account asks, under a claim; the same manifest once more does nothing.
pub fn by_pipeline(cell: &Cell) -> Verdict {
    let person = cell.locked("piped");
    let more = json!({"notAfter": in_seconds(600)});
    let request = cell.unlock("once", cell.shared(), json!({"login": person.login}), &more);
    let status = cell.ask_as("pipeline", &request);
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    if cell.fixture.by_hand().is_some() {
        assert_eq!(cell.fixture.writes(&person), [""; 0]);
        return cell.unlocked();
    }
    assert!(status["account"]["ref"].is_string(), "a claim: {status:#}");
    assert_eq!(cell.fixture.sign_in(&person, &person.password), SignIn::Welcome);
    let written = cell.fixture.writes(&person);
    cell.fixture.lock(&person);
    cell.board.delete("admin", &request);
    let status = cell.ask_as("pipeline", &request);
    check(&status, "Succeeded", "AlreadyExecuted", "nothing was done now");
    assert_eq!(cell.fixture.writes(&person), written);
    assert_eq!(cell.fixture.sign_in(&person, &person.password), SignIn::Refused);
    Verdict::Passed
}
