//! Who is locked out, as Account objects show it.

use crate::{
    board::PATIENCE,
    cell::{Cell, Verdict, check, connect},
    fixture::Person,
    support::{kubectl, success},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A Directory of this row's own that asks for lists; the unlock goes by the shared one.
pub fn while_locked(cell: &Cell) -> Verdict {
    let name = format!("{}-{}", cell.fixture.provider(), cell.row);
    let mut manifests = cell.fixture.directory(&name, None);
    for directory in manifests.iter_mut().filter(|manifest| manifest["kind"] == "Directory") {
        directory["spec"]["lockouts"] = json!({"poll": "1s"});
        // A list can cost a call for everybody.
        directory["spec"]["rateLimit"] = json!({"requestsPerMinute": 6000});
    }
    connect(cell.stage, &name, manifests);
    let (locked, free) = (cell.locked("shut"), cell.person("open"));
    let account = until(cell, &name, &locked, true).unwrap_or_default();
    // A directory may know a person by several logins.
    let login = account["lockout"]["login"].as_str().unwrap_or_default();
    assert!(login.contains(&cell.person_name("shut")), "{account:#}");
    assert_eq!(shown(cell, &name, &free), None, "who is not locked is not listed");
    let status = cell.ask_unlock(cell.shared(), &locked);
    check(&status, "Succeeded", "Unlocked", "");
    until(cell, &name, &locked, false);
    Verdict::Passed
}

/// The Account object that shows a person as locked, where there is one.
fn shown(cell: &Cell, directory: &str, person: &Person) -> Option<Value> {
    let selector = format!("readmit.dev/state=Locked,readmit.dev/directory={directory}");
    let get = ["get", "accounts", "-l", &selector, "-o", "json"];
    let list: Value = serde_json::from_str(&success(&kubectl(cell.stage.plane, "admin", &get))).expect("JSON");
    let mut accounts = list["items"].as_array().cloned().unwrap_or_default().into_iter();
    accounts.find(|account| account["id"] == person.id.as_str())
}

/// Waits until a person is shown, or is no more.
#[track_caller]
fn until(cell: &Cell, directory: &str, person: &Person, there: bool) -> Option<Value> {
    let end = Instant::now() + PATIENCE;
    loop {
        let account = shown(cell, directory, person);
        if account.is_some() == there {
            return account;
        }
        let status = cell.stage.get("directory", "default", directory)["status"].clone();
        assert!(Instant::now() < end, "{} shown: {account:?}\n{status:#}", person.login);
        std::thread::sleep(Duration::from_millis(300));
    }
}
