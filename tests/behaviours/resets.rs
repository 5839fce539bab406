//! Resets by each method, and what the owner then meets.

use crate::{
    cell::{Cell, Verdict, check, keeper},
    fixture::{Person, SignIn},
    support::ldap::in_seconds,
};
use readmit::domain::account::Step;
use serde_json::{Value, json};

/// The words of a temporary password's success.
pub const SEALED: &str = "open status.delivery.sealed";

fn temporary(cell: &Cell, person: &Person, more: &Value) -> Value {
    cell.reset("reset", cell.shared(), person, "TemporaryPassword", more)
}

/// The password that a status delivers.
#[track_caller]
pub fn opened(status: &Value) -> String {
    keeper().open(status).expect("sealed to the policy's recipient")
}

pub fn link(cell: &Cell) -> Verdict {
    let person = cell.person("link");
    let request = cell.reset("link", cell.shared(), &person, "Link", &json!({}));
    if let Some(why) = cell.fixture.unable(Step::SendLink) {
        return cell.not_capable(&request, &person, why);
    }
    let status = cell.ask(&request);
    check(&status, "Succeeded", "LinkSent", "mailed a reset link to the owner");
    assert!(status["delivery"].is_null(), "{status:#}");
    assert_eq!(cell.fixture.links(&person), 1);
    cell.fixture.follow_link(&person, "Ganz-Neues-Wort-9");
    assert_eq!(cell.fixture.sign_in(&person, "Ganz-Neues-Wort-9"), SignIn::Welcome);
    assert_eq!(cell.fixture.passwords(&person), 0, "the operator knows no password");
    Verdict::Passed
}

pub fn temporary_password(cell: &Cell) -> Verdict {
    let person = cell.person("temp");
    let request = temporary(cell, &person, &json!({}));
    if let Some(why) = cell.fixture.unable(Step::SetPassword) {
        return cell.not_capable(&request, &person, why);
    }
    let status = cell.ask(&request);
    check(&status, "Succeeded", "PasswordReset", SEALED);
    let password = opened(&status);
    assert!(password.chars().count() >= 20, "too short");
    assert!(!status.to_string().contains(&password) && !cell.stage.operator.log().contains(&password));
    assert_eq!(cell.fixture.passwords(&person), 1);
    // Judged before the wrong sign-in below, which counts.
    assert_eq!(cell.fixture.sign_in(&person, &password), SignIn::MustChange);
    assert_eq!(
        cell.fixture.sign_in(&person, &person.password),
        SignIn::Refused,
        "the old one is over"
    );
    Verdict::Passed
}

/// The owner chooses a password behind the temporary one.
pub fn must_change(cell: &Cell) -> Verdict {
    let person = cell.person("owner");
    let request = temporary(cell, &person, &json!({}));
    if let Some(why) = cell.fixture.unable(Step::SetPassword) {
        return cell.not_capable(&request, &person, why);
    }
    let status = cell.ask(&request);
    check(&status, "Succeeded", "PasswordReset", SEALED);
    let password = opened(&status);
    let chosen = cell.fixture.choose_password(&person, &password, "Ganz-Neues-Wort-9");
    if let Err(lacking) = chosen {
        return lacking.into();
    }
    assert_eq!(cell.fixture.sign_in(&person, "Ganz-Neues-Wort-9"), SignIn::Welcome);
    assert_eq!(
        cell.fixture.sign_in(&person, &password),
        SignIn::Refused,
        "the temporary one is over"
    );
    Verdict::Passed
}

pub fn change_at_next_sign_in(cell: &Cell) -> Verdict {
    let person = cell.person("change");
    let request = cell.reset("change", cell.shared(), &person, "ChangeAtNextSignIn", &json!({}));
    if let Some(why) = cell.fixture.unable(Step::RequireChange) {
        return cell.not_capable(&request, &person, why);
    }
    let status = cell.ask(&request);
    check(&status, "Succeeded", "ChangeRequired", "at the next sign-in");
    assert!(status["delivery"].is_null(), "{status:#}");
    assert_eq!(cell.fixture.sign_in(&person, &person.password), SignIn::MustChange);
    assert_eq!(cell.fixture.passwords(&person), 0, "the password stays");
    Verdict::Passed
}

pub fn of_locked(cell: &Cell) -> Verdict {
    let person = cell.locked("locked");
    let status = cell.ask(&temporary(cell, &person, &json!({})));
    check(&status, "Succeeded", "PasswordReset", SEALED);
    assert_eq!(cell.fixture.sign_in(&person, &opened(&status)), SignIn::MustChange);
    assert_eq!(cell.fixture.passwords(&person), 1);
    cell.unlocked()
}

pub fn of_disabled(cell: &Cell) -> Verdict {
    let person = match cell.fixture.disabled(&cell.person_name("off"), false) {
        Ok(person) => person,
        Err(lacking) => return lacking.into(),
    };
    let status = cell.ask(&temporary(cell, &person, &json!({})));
    check(
        &status,
        "Failed",
        "Refused",
        "a disabled account is enabled by its directory's administrators",
    );
    assert!(status["delivery"].is_null(), "{status:#}");
    assert_eq!(cell.fixture.writes(&person), [""; 0]);
    Verdict::Passed
}

pub fn sessions(cell: &Cell) -> Verdict {
    let person = cell.person("session");
    if let Err(lacking) = cell.fixture.open_session(&person) {
        return lacking.into();
    }
    assert_eq!(cell.fixture.sessions(&person), 1);
    let status = cell.ask(&temporary(cell, &person, &json!({})));
    check(&status, "Succeeded", "PasswordReset", SEALED);
    assert_eq!(cell.fixture.sessions(&person), 0);
    Verdict::Passed
}

/// The same manifest with an end, created anew once it ran.
pub fn recreated(cell: &Cell) -> Verdict {
    let person = cell.person("again");
    let request = temporary(cell, &person, &json!({"notAfter": in_seconds(600)}));
    let status = cell.ask(&request);
    check(&status, "Succeeded", "PasswordReset", SEALED);
    let written = cell.fixture.writes(&person);
    cell.board.delete("bob", &request);
    let again = cell.ask(&request);
    check(&again, "Succeeded", "AlreadyExecuted", "nothing was done now");
    assert!(again["delivery"].is_null(), "{again:#}");
    assert_eq!(cell.fixture.writes(&person), written);
    assert_eq!(cell.fixture.sign_in(&person, &opened(&status)), SignIn::MustChange);
    Verdict::Passed
}
