//! What survives the operator: killed between what it did in the domain and Okta's own unlock.

use crate::{
    Spelling, alone, condition, login,
    support::{
        domain::{sign_in, writes},
        ldap::{check, reset},
        stage::Operator,
        watch,
    },
};
use serde_json::json;
use std::{sync::OnceLock, time::Duration};

/// The rest of the tests goes on with the successor, which takes no lease: nobody else is left.
static SUCCESSOR: OnceLock<Operator> = OnceLock::new();

#[test]
fn a_successor_waits_for_okta_and_does_nothing_again() {
    let Some((scene, _alone)) = alone() else { return };
    scene.import_as("crash", "LOCKED_OUT", Spelling::Text);
    scene.samba.lock("crash").expect("locked by wrong sign-ins");
    let more = json!({"method": "TemporaryPassword"});
    scene.ask(&reset("crash-1", "cloud", &login("crash"), &more));
    let status = scene.stage.waits("pwr", "crash-1", "AwaitingManualAction");
    // Its claim may be open still: what a claim waits for with its closing dies with the process.
    scene.stage.operator.kill();
    let successor = SUCCESSOR.get_or_init(|| Operator::start(scene.stage.plane, &[("READMIT_LEASE", "false")]));
    successor.wait_ready();
    scene
        .okta
        .sandbox
        .unlock(&login("crash"))
        .expect("unlocked in the console");
    let (place, awaited) = (
        ("pwr", "default", "crash-1"),
        ("the end of crash-1", Duration::from_secs(60)),
    );
    let ended = watch::one(scene.stage.plane, place, awaited, |object| {
        let status = &object["status"];
        status["outcome"].is_string().then(|| status.clone())
    });
    let ended = ended.unwrap_or_else(|error| panic!("{error}\n{}", successor.tail()));
    check(&ended, "Succeeded", "PasswordReset", "directory cloud shows no lock");
    assert_eq!(
        condition(&ended, "DoneAtSource")["reason"],
        "PasswordReset",
        "{ended:#}"
    );
    let password = scene.keeper.open(&ended).expect("sealed to the policy's recipient");
    assert_eq!(scene.keeper.open(&status).as_deref(), Some(password.as_str()));
    assert_eq!(sign_in(&scene.samba, "crash", &password).as_deref(), Some("773"));
    assert_eq!(writes(&scene.samba, "crash").len(), 1);
}
