//! Requests, from manifest to sign-in, on the real API server and a real slapd. One operator and one server serve all
//! of it; tests keep apart by people and names. What needs an operator to be killed stands in `crash_openldap`.

#[path = "../support/mod.rs"]
mod support;

mod once;
mod protected;
mod resets;
mod unlocks;
mod waits;

use serde_json::json;
use std::sync::OnceLock;
use support::{
    ldap::{self, Recipient},
    stage::{Stage, stage},
};
use testkit::slapd::Slapd;

/// People besides the usual ones, each for one test.
const PEOPLE: &[&str] = &[
    "by-id",
    "by-email",
    "ended",
    "early",
    "idle",
    "delayed",
    "unreadable",
    "pipelined",
    "reset",
    "relocked",
    "change",
    "keeps-lock",
    "refused",
    "shared",
    "again",
    "recreated",
    "late",
    "cancelled",
    "instead",
    "patient",
    "credential",
    "held",
    "frozen",
    "soon",
    "old1",
    "old2",
    "old3",
    "old4",
    "old5",
    "old6",
    "old7",
    "old8",
];

/// The slapd of this test program, with a Directory `ldap` and the policies of [`policies`] on the stage.
pub fn scene() -> Option<(&'static Stage, &'static Slapd)> {
    static SLAPD: OnceLock<Option<Slapd>> = OnceLock::new();
    let stage = stage()?;
    let slapd = SLAPD.get_or_init(|| {
        let slapd = ldap::server(PEOPLE)?;
        let mut manifests = vec![
            ldap::secret("ldap", &slapd, slapd.secret()),
            ldap::directory("ldap", &slapd, &json!({})),
        ];
        manifests.extend(policies());
        stage.admin(&ldap::text(&manifests));
        Some(slapd)
    });
    Some((stage, slapd.as_ref()?))
}

/// Who opens the passwords that are sealed to the policies' recipients.
pub fn keeper() -> &'static Recipient {
    static KEEPER: OnceLock<Recipient> = OnceLock::new();
    KEEPER.get_or_init(Recipient::new)
}

/// `desk` allows what a service desk needs; the others differ from it in what their names say.
fn policies() -> Vec<serde_json::Value> {
    let actions = ["Unlock", "ResetPassword"];
    let all = ["Link", "TemporaryPassword", "ChangeAtNextSignIn"];
    let policy = |name: &str, more| ldap::policy(name, "ldap", &actions, &more);
    vec![
        policy(
            "desk",
            json!({"password": {"methods": all, "recipients": [keeper().public()]}}),
        ),
        policy(
            "pipelines",
            json!({"serviceAccounts": true, "password": {"methods": all}}),
        ),
        policy("usual-methods", json!({})),
        policy(
            "own-recipients",
            json!({"password": {"methods": all, "allowRequestRecipients": true, "recipients": [keeper().public()]}}),
        ),
        policy("no-recipients", json!({"password": {"methods": all}})),
    ]
}
