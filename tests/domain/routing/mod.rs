//! Requests about an account whose credentials live in another Directory: what must be settled first (`settled`), who must
//! permit it (`permitted`), when it counts as done (`judged`), and what is left alone while the other cannot be used
//! (`held_up`).

mod held_up;
mod judged;
mod permitted;
mod settled;

use crate::{
    build::{self, account, cloud, policy, source_of},
    scene::{Row, Scene, check_in},
};
use readmit::{
    api::request_status::AccountReference,
    domain::{
        account::{AccountRead, LockState, ReadFailure},
        decision::{Decision, Ending},
        observed::DirectoryView,
        request::Request,
    },
};
use serde_json::{Value, json};
use std::sync::Arc;

/// A request about the account of `cloud`, which is locked in both.
fn routed(request: Request) -> Scene {
    let request = Request {
        directory: "cloud".into(),
        ..request
    };
    let mut scene = Scene::new(request);
    scene.named = Some((cloud(), Ok(build::named(true))));
    scene
}

/// The Directory that is named, with something else in its source.
fn source(change: Value) -> DirectoryView {
    let mut source = json!({
        "when": "account.source.type == 'LDAP'", "directory": "ldap", "account": {"login": "account.profile.uid"},
        "confirm": {"id": "account.profile.ldapId"},
    });
    for (name, value) in change.as_object().unwrap() {
        source[name] = value.clone();
    }
    DirectoryView {
        sources: [source_of(source)].into(),
        ..cloud()
    }
}

fn unlocked() -> Result<AccountRead, ReadFailure> {
    Ok(AccountRead {
        lock: LockState::NotLocked,
        lock_stamp: None,
        ..account()
    })
}

fn bend(scene: &mut Scene, change: impl FnOnce(&mut AccountRead)) {
    if let Some((_, Ok(named))) = &mut scene.named {
        change(named);
    }
}

fn rules(rules: Value) -> Vec<Arc<readmit::domain::policy::Policy>> {
    vec![policy("desk", rules)]
}

fn reference(directory: &str, id: &str) -> AccountReference {
    AccountReference {
        directory: directory.into(),
        id: id.into(),
        r#ref: None,
    }
}

fn finishes(scene: &Scene) -> Ending {
    match scene.decide() {
        Decision::Finish(ending) => *ending,
        other => panic!("it does not end: {other:?}"),
    }
}

fn check(rows: Vec<Row>) {
    check_in(routed, rows);
}
