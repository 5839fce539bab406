//! Whose account it is: found by each key, hard to address, not there, ambiguous, protected, one's own.

use crate::{
    cell::{Cell, Verdict, check},
    fixture::Person,
};
use readmit::domain::account::Step;
use serde_json::{Value, json};

const NOBODY: &str = "no account that may be acted on matches";

fn found(cell: &Cell, person: &Person, account: Value) -> Verdict {
    let status = cell.ask(&cell.unlock("found", cell.shared(), account, &json!({})));
    check(&status, "Succeeded", "Unlocked", "read back");
    assert_eq!(status["account"]["id"], person.id.as_str(), "{status:#}");
    Verdict::Passed
}

pub fn by_login(cell: &Cell) -> Verdict {
    let person = cell.locked("login");
    found(cell, &person, json!({"login": person.login}))
}

pub fn by_id(cell: &Cell) -> Verdict {
    let person = cell.locked("id");
    found(cell, &person, json!({"id": person.id}))
}

pub fn by_address(cell: &Cell) -> Verdict {
    let person = cell.locked("address");
    found(cell, &person, json!({"email": person.email.to_uppercase()}))
}

pub fn odd_names(cell: &Cell) -> Verdict {
    let names = cell.fixture.odd_names();
    assert!(
        !names.is_empty(),
        "every server takes some name that is syntax somewhere"
    );
    for (number, name) in names.iter().enumerate() {
        let person = cell.fixture.person(name);
        let account = json!({"login": person.login});
        let status = cell.ask(&cell.unlock(&format!("{number}"), cell.shared(), account, &json!({})));
        check(&status, "Succeeded", "NotLocked", "nothing was done");
        assert_eq!(status["account"]["id"], person.id.as_str(), "{name}: {status:#}");
    }
    Verdict::Passed
}

/// Names that would match, or lead elsewhere, if they were not escaped.
pub fn nobody(cell: &Cell) -> Verdict {
    let person = cell.person("there");
    let accounts = [
        json!({"login": "*"}),
        json!({"login": "x)(|(uid=*"}),
        json!({"login": format!("{}*", &person.login[..person.login.len() - 1])}),
        json!({"login": "../users"}),
        json!({"login": format!("{}/lifecycle/unlock", person.login)}),
        json!({"login": "x\" or profile.login sw \""}),
        json!({"login": format!("{}#", person.login)}),
        json!({"email": "*@example.com"}),
        json!({"email": "nobody@example.com"}),
        json!({"id": "*"}),
        json!({"id": "../groups"}),
    ];
    for (number, account) in accounts.into_iter().enumerate() {
        let said = account.to_string();
        let status = cell.ask(&cell.unlock(&format!("{number}"), cell.shared(), account, &json!({})));
        check(&status, "Denied", "NotEligible", NOBODY);
        assert!(status["account"].is_null(), "{said}: {status:#}");
    }
    assert_eq!(cell.fixture.writes(&person), [""; 0]);
    Verdict::Passed
}

pub fn ambiguous(cell: &Cell) -> Verdict {
    let twins = match cell.fixture.twins(&cell.person_name("twin")) {
        Ok(twins) => twins,
        Err(lacking) => return lacking.into(),
    };
    cell.fixture.lock(&twins[0]);
    let account = json!({"email": twins[0].email});
    let asked = cell.ask(&cell.unlock("asked", cell.shared(), account.clone(), &json!({})));
    check(&asked, "Denied", "NotEligible", NOBODY);
    let inspected = cell.unlock("inspected", cell.shared(), account, &json!({}));
    check(
        &cell.ask_as("admin", &inspected),
        "Denied",
        "NotEligible",
        "several accounts match; name one by its id",
    );
    for twin in &twins {
        assert_eq!(cell.fixture.writes(twin), [""; 0], "{}", twin.login);
    }
    Verdict::Passed
}

pub fn protected(cell: &Cell) -> Verdict {
    let (person, why) = cell.fixture.protected(&cell.person_name("boss"));
    let account = json!({"login": person.login});
    let asked = cell.ask(&cell.unlock("asked", cell.shared(), account.clone(), &json!({})));
    check(&asked, "Denied", "NotEligible", NOBODY);
    let inspected = cell.unlock("inspected", cell.shared(), account, &json!({}));
    check(&cell.ask_as("admin", &inspected), "Denied", "Protected", why);
    let more = json!({"unlock": true});
    let method = match cell.fixture.unable(Step::RequireChange) {
        None => "ChangeAtNextSignIn",
        Some(_) => "TemporaryPassword",
    };
    let reset = cell.reset("reset", cell.shared(), &person, method, &more);
    check(&cell.ask(&reset), "Denied", "NotEligible", NOBODY);
    assert_eq!(cell.fixture.writes(&person), [""; 0]);
    Verdict::Passed
}

/// Alice of the desk has an account with alice's address.
pub fn own(cell: &Cell) -> Verdict {
    let alice = cell.fixture.person("alice");
    cell.fixture.lock(&alice);
    for (name, account) in [
        ("login", json!({"login": alice.login})),
        ("address", json!({"email": alice.email})),
    ] {
        let request = cell.unlock(name, cell.shared(), account, &json!({}));
        let status = cell.ask_as("alice", &request);
        check(
            &status,
            "Denied",
            "PolicyDenied",
            "nobody may ask for their own account",
        );
    }
    assert_eq!(cell.fixture.writes(&alice), [""; 0]);
    // Bob may ask for her.
    let status = cell.ask_unlock(cell.shared(), &alice);
    check(&status, "Succeeded", "Unlocked", "read back");
    Verdict::Passed
}
