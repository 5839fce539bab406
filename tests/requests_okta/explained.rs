//! Why an account is locked, as the System Log tells it: on requests and on Account objects, and never needed.

use crate::support::{
    org::{Org, check, shows_lock},
    stage::{ready, stage},
};
use sandbox::{HELP_DESK_TOKEN, Quirk, SEED_PASSWORD, SeedUser, Status};
use serde_json::Value;
use std::time::Duration;
use testkit::wait;

const LIMIT: &str = "too many failed sign-ins; Okta does not end this lock by itself";

/// Asks for a list of locked accounts each second, which follows the log too.
fn follow(org: &Org) {
    let directory = org.directory(&org.sandbox.addresses().http, "");
    let spec = directory
        .trim_end()
        .strip_suffix('}')
        .expect("the spec ends the manifest");
    org.stage.admin(&format!("{spec}, lockouts: {{poll: 1s}}}}\n"));
}

fn seed(org: &Org, login: &str) {
    let user = SeedUser::new(login, Status::Active, Some(SEED_PASSWORD));
    org.sandbox.seed([user]).expect("a new login");
}

/// Somebody tries passwords on a device until no more are taken.
fn guess(org: &Org, login: &str, device: &str) {
    for _ in 0..10 {
        org.sandbox.sign_in_on(login, "wrong", device, None);
    }
}

fn explained(status: &Value) -> &Value {
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = conditions
        .iter()
        .find(|condition| condition["type"] == "LockCausesKnown");
    found.unwrap_or(&Value::Null)
}

fn asked(org: &Org) -> usize {
    org.sandbox
        .truth()
        .iter()
        .filter(|call| call.path == "/api/v1/logs")
        .count()
}

/// Waits until the log was read twice from now on, so that what is in it is known.
#[track_caller]
fn read_again(org: &Org) {
    let before = asked(org);
    let read = wait::until("the log to be read twice", Duration::from_secs(20), || {
        (asked(org) >= before + 2).then_some(())
    });
    let said = || format!("{} readings\n{}", asked(org) - before, org.stage.operator.tail());
    read.unwrap_or_else(|error| panic!("{error}: {}", said()));
}

/// The Account object that shows this lock, once it says why.
#[track_caller]
fn shown(org: &Org, login: &str) -> Value {
    let what = format!("the cause of {login}'s lock");
    org.stage.until_all("accounts", &what, |accounts| {
        let ours = accounts.iter().filter(|account| shows_lock(account, &org.name));
        let mut ours = ours.filter(|account| account["lockout"]["login"] == login);
        let account = ours.find(|account| account["lockout"]["cause"].is_string());
        account.map(|account| (*account).clone())
    })
}

#[test]
fn the_cause_of_a_lock_stands_on_the_account_and_on_the_request() {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, "explained");
    follow(&org);
    org.directory_when(|status| explained(status)["status"] == "True");
    seed(&org, "guessed@example.com");
    guess(&org, "guessed@example.com", "seed");
    let account = shown(&org, "guessed@example.com");
    assert_eq!(account["lockout"]["cause"], LIMIT, "{account:#}");
    assert!(
        account["lockout"]["until"].is_null(),
        "such a lock has no end of its own"
    );
    let status = org.unlocked("explained-guessed", "guessed@example.com");
    check(&status, "Succeeded", "Unlocked", "");
    assert_eq!(status["lockout"]["cause"], LIMIT, "{status:#}");
    assert_eq!(status["lockout"]["since"], account["lockout"]["since"], "{status:#}");
    // Where it goes on is kept as Okta gave it.
    let status = org.directory_when(|status| status["lockLog"]["cursor"].is_string());
    let cursor = status["lockLog"]["cursor"].as_str().expect("a cursor");
    let log = format!("{}/api/v1/logs?", org.sandbox.addresses().http);
    assert!(
        cursor.starts_with(&log) && cursor.contains("after=") && !cursor.contains("since="),
        "{cursor}"
    );
}

#[test]
fn a_device_block_has_a_time_and_a_cause_from_the_log() {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, "explained-device");
    org.sandbox.set_quirk(Quirk::DeviceLockout, true);
    follow(&org);
    seed(&org, "device@example.com");
    guess(&org, "device@example.com", "an unknown one");
    assert_eq!(org.account("device@example.com").status, Status::Active);
    read_again(&org);
    let status = org.unlocked("explained-device", "device@example.com");
    check(&status, "Succeeded", "Unlocked", "");
    assert_eq!(status["lockout"]["scope"], "unknown devices", "{status:#}");
    assert_eq!(status["lockout"]["cause"], LIMIT, "{status:#}");
    assert!(status["lockout"]["since"].is_string(), "{status:#}");
}

#[test]
fn without_the_right_to_read_the_log_everything_else_works() {
    let Some(stage) = stage() else { return };
    let org = Org::sandbox(stage, "unexplained");
    stage.admin(&org.policy(""));
    org.set_token(HELP_DESK_TOKEN);
    follow(&org);
    let status = org.directory_when(|status| explained(status)["status"] == "False");
    assert_eq!(explained(&status)["reason"], "MissingRights", "{status:#}");
    let message = explained(&status)["message"].as_str().unwrap_or_default();
    assert!(message.contains("okta.logs.read"), "{message}");
    assert_eq!(ready(&status)["status"], "True", "{status:#}");
    org.directory_when(|status| status["lockedAccounts"].is_number());
    let before = asked(&org);
    let status = org.unlocked("unexplained", "alice@example.com");
    check(&status, "Succeeded", "Unlocked", "");
    assert!(status["lockout"]["cause"].is_null(), "{status:#}");
    org.wait_lists();
    assert_eq!(asked(&org), before, "what is refused is not asked for at each list");
}

#[test]
fn a_log_without_news_is_read_and_nothing_is_written() {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, "log-quiet");
    follow(&org);
    let first = org.directory_when(|status| status["lockLog"]["cursor"].is_string());
    for _ in 0..2 {
        read_again(&org);
    }
    let object = stage.get("directory", "default", &org.name);
    assert_eq!(object["status"]["lockLog"], first["lockLog"], "{object:#}");
}

#[test]
fn a_directory_without_lists_does_not_read_the_log() {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, "log-unasked");
    check(
        &org.unlocked("log-unasked", "alice@example.com"),
        "Succeeded",
        "Unlocked",
        "",
    );
    assert_eq!(asked(&org), 0);
    follow(&org);
    org.directory_when(|status| status["lockLog"]["cursor"].is_string());
    org.connect(sandbox::ADMIN_TOKEN);
    let status = org.directory_when(|status| status["lockLog"].is_null());
    assert!(explained(&status).is_null(), "{status:#}");
}
