//! Resets: the sealed password signs in once and must be changed; what the account's policy forbids is known before
//! anything is sent.

use crate::support::{
    ldap::{check, reset, text},
    stage::Stage,
};
use crate::{gets_in, keeper, person, scene, sends, sign_in};
use serde_json::{Value, json};
use testkit::slapd::{initial_password, user_dn};

fn ask(stage: &Stage, login: &str, method: &str) -> Value {
    stage.create("bob", &text(&[reset(login, "ds", login, &json!({"method": method}))]));
    stage.finished("pwr", login)
}

#[test]
fn a_temporary_password_signs_in_and_must_be_changed() {
    let Some((stage, server)) = scene() else { return };
    person(server, "reset-1", true);
    let status = ask(stage, "reset-1", "TemporaryPassword");
    check(&status, "Succeeded", "PasswordReset", "open status.delivery.sealed");
    let password = keeper().open(&status).expect("sealed to the policy's recipient");
    assert!(!gets_in(server, "reset-1"), "the old one is over");
    let (code, control) = sign_in(server, "reset-1", &password);
    assert!(code == 0 && control.contains("must be changed"), "{code} {control}");
    // The owner changes it, as the server lets who must do nothing else.
    let change = format!(
        "dn: {}\nchangetype: modify\nreplace: userPassword\nuserPassword: My-own-new-1\n",
        user_dn("reset-1")
    );
    server
        .modify_as(&user_dn("reset-1"), &password, &change)
        .expect("the owner may");
    assert_eq!(sign_in(server, "reset-1", "My-own-new-1"), (0, String::new()));
    // The forced change came with the reset: nothing else was sent.
    assert_eq!(sends(server, "reset-1"), ["EXT"]);
}

#[test]
fn a_change_is_forced_with_the_password_left_alone() {
    let Some((stage, server)) = scene() else { return };
    person(server, "reset-2", true);
    let status = ask(stage, "reset-2", "ChangeAtNextSignIn");
    check(&status, "Succeeded", "ChangeRequired", "at the next sign-in");
    let (code, control) = sign_in(server, "reset-2", &initial_password("reset-2"));
    assert!(code == 0 && control.contains("must be changed"), "{code} {control}");
    assert_eq!(sends(server, "reset-2"), ["MOD", "MOD"]);
}

#[test]
fn what_cannot_be_done_is_known_before_anything_is_sent() {
    let Some((stage, server)) = scene() else { return };
    for (uid, settings, method, reason, word) in [
        (
            "reset-3",
            "passwordMustChange: off",
            "ChangeAtNextSignIn",
            "Refused",
            "passwordMustChange: on",
        ),
        (
            "reset-4",
            "passwordMustChange: on",
            "Link",
            "NotCapable",
            "set method: TemporaryPassword",
        ),
    ] {
        person(server, uid, false);
        server.set_policy(uid, settings).expect("a policy");
        check(&ask(stage, uid, method), "Failed", reason, word);
        assert!(sends(server, uid).is_empty(), "{uid}");
    }
}
