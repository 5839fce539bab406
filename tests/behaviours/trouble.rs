//! A directory that is busy, a budget that is used up, a credential that is refused: requests wait, say so, and go on
//! by themselves.

use crate::{
    cell::{Cell, Verdict, check, connect},
    fixture::SignIn,
    support::{
        ldap::{policy, text},
        stage::ready,
    },
};
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::proxy::Fault;

/// The directory itself has too much to do.
pub fn busy(cell: &Cell) -> Verdict {
    let person = cell.locked("busy");
    let (directory, way) = cell.troubled();
    if let Err(lacking) = way.strike(&person, Fault::Busy) {
        return lacking.into();
    }
    let status = cell.ask_unlock(&directory, &person);
    assert_eq!(way.struck(&person), 1);
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    assert_eq!(cell.fixture.sign_in(&person, &person.password), SignIn::Welcome);
    Verdict::Passed
}

/// The Directory's own budget: calls for twenty unlocks a minute, for two at once, and for two more of reading back. Six
/// unlocks take more than that.
pub fn budget(cell: &Cell) -> Verdict {
    const PEOPLE: usize = 6;
    let people: Vec<_> = (0..PEOPLE).map(|number| cell.locked(&format!("{number}"))).collect();
    let name = format!("{}-{}", cell.fixture.provider(), cell.row);
    let mut manifests = cell.fixture.directory(&name, None);
    for manifest in manifests.iter_mut().filter(|manifest| manifest["kind"] == "Directory") {
        manifest["spec"]["rateLimit"] =
            json!({"requestsPerMinute": 20 * cell.fixture.calls_per_unlock(), "concurrency": 2});
    }
    let began = Instant::now();
    connect(cell.stage, &name, manifests);
    let requests: Vec<_> = people
        .iter()
        .map(|person| {
            cell.unlock(
                &person.login.replace('@', "-at-"),
                &name,
                json!({"login": person.login}),
                &json!({}),
            )
        })
        .collect();
    for request in &requests {
        cell.board.create("bob", request);
    }
    let ended: Vec<_> = requests.iter().map(|request| cell.finished(request)).collect();
    // What is left for after the first four comes at one unlock in three seconds.
    let least = Duration::from_secs(3 * (PEOPLE as u64 - 4));
    assert!(began.elapsed() >= least, "{:?} for {PEOPLE} unlocks", began.elapsed());
    for seen in &ended {
        check(
            &seen.object["status"],
            "Succeeded",
            "Unlocked",
            "read back as not locked",
        );
    }
    let waited = |reason: &str| ended.iter().any(|seen| seen.reasons.iter().any(|was| was == reason));
    assert!(waited("RateLimited"), "{ended:#?}");
    Verdict::Passed
}

/// One try, however many requests wait; then none until the Secret changes.
pub fn wrong_credential(cell: &Cell) -> Verdict {
    let name = format!("{}-{}", cell.fixture.provider(), cell.row);
    let wrong = cell.fixture.wrong_credential(&name);
    let mut manifests = wrong.manifests;
    manifests.push(policy(&name, &name, &["Unlock"], &json!({})));
    cell.stage.admin(&text(&manifests));
    let asked = [cell.locked("first"), cell.locked("second")].map(|person| {
        let request = cell.unlock(
            &person.login.replace('@', "-at-"),
            &name,
            json!({"login": person.login}),
            &json!({}),
        );
        cell.board.create("bob", &request);
        request
    });
    for request in &asked {
        let text = format!("correct Secret {name}");
        cell.board.waits(request, "DirectoryUnavailable", &text);
    }
    let refused = || cell.stage.get("directory", "default", &name)["status"]["refusedSecret"].clone();
    assert_eq!(refused()["name"], name.as_str());
    cell.stage.operator.wait_looks(&name, 1);
    assert_eq!(cell.fixture.refusals(), 1, "tried once");
    cell.stage.admin(&text(&wrong.repaired));
    for request in &asked {
        let seen = cell.finished(request);
        let status = &seen.object["status"];
        check(status, "Succeeded", "Unlocked", "read back as not locked");
        assert_eq!(ready(status)["status"], "True", "{status:#}");
    }
    assert!(refused().is_null());
    assert_eq!(cell.fixture.refusals(), 1);
    Verdict::Passed
}
