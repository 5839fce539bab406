//! Who is locked out, as Account objects show it.

use crate::{
    board::PATIENCE,
    cell::{Cell, Verdict, check, connect},
    fixture::Person,
    support::{api, org::shows_lock, watch},
};
use serde_json::{Value, json};

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
    let mut accounts = api::list(cell.stage.plane, "accounts").into_iter();
    accounts.find(|account| shows(account, directory, person))
}

fn shows(account: &Value, directory: &str, person: &Person) -> bool {
    shows_lock(account, directory) && account["id"] == person.id.as_str()
}

/// Waits until a person is shown, or is no more.
#[track_caller]
fn until(cell: &Cell, directory: &str, person: &Person, there: bool) -> Option<Value> {
    let what = format!("the list of {directory} to show {}: {there}", person.login);
    let found = watch::all(cell.stage.plane, "accounts", (&what, PATIENCE), |accounts| {
        let account = accounts.iter().find(|account| shows(account, directory, person));
        (account.is_some() == there).then(|| account.map(|account| (*account).clone()))
    });
    found.unwrap_or_else(|error| {
        let status = cell.stage.get("directory", "", directory)["status"].clone();
        panic!("{error}\n{status:#}\n{}", cell.stage.operator.tail())
    })
}
