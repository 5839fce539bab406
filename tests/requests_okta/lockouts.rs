//! Locked accounts as Account objects, where a Directory asks for them.

use crate::support::{
    api,
    org::{Org, check, shows_lock},
    stage::{Stage, stage},
};
use sandbox::{SEED_PASSWORD, SeedUser, Status};
use serde_json::Value;

/// An organisation whose Directory asks for lists.
struct Listed {
    org: Org,
    /// Who was locked out from the start: they stay so, and are left out of what is looked at.
    before: Vec<String>,
}

impl Listed {
    fn shows(&self, account: &Value) -> bool {
        shows_lock(account, &self.org.name) && !self.before.iter().any(|id| account["id"] == id.as_str())
    }
}

fn org(stage: &'static Stage, name: &str, lockouts: &str) -> Listed {
    let org = Org::start(stage, name);
    let accounts = org.sandbox.accounts().into_iter();
    let locked = accounts.filter(|account| account.status == Status::LockedOut);
    let before = locked.map(|account| account.id).collect();
    set(&org, lockouts);
    Listed { org, before }
}

/// What the Directory asks for from now on.
fn set(org: &Org, lockouts: &str) {
    let directory = org.directory(&org.sandbox.addresses().http, "");
    let spec = directory
        .trim_end()
        .strip_suffix('}')
        .expect("the spec ends the manifest");
    org.stage.admin(&format!("{spec}, lockouts: {lockouts}}}\n"));
}

/// The Account objects that show a lock in this organisation.
fn shown(listed: &Listed) -> Vec<Value> {
    let mut accounts = api::list(listed.org.stage.plane, "accounts");
    accounts.retain(|account| listed.shows(account));
    accounts
}

fn logins(accounts: &[Value]) -> Vec<String> {
    let login = |account: &Value| account["lockout"]["login"].as_str().unwrap_or("-").to_owned();
    let mut logins: Vec<String> = accounts.iter().map(login).collect();
    logins.sort();
    logins
}

/// Waits until so many accounts are shown, and gives them.
#[track_caller]
fn shown_when(listed: &Listed, so: impl Fn(usize) -> bool) -> Vec<Value> {
    let what = format!("as many locks in {} as this test wants", listed.org.name);
    listed.org.stage.until_all("accounts", &what, |accounts| {
        let shown: Vec<_> = accounts.iter().filter(|account| listed.shows(account)).collect();
        so(shown.len()).then(|| shown.into_iter().map(|account| (*account).clone()).collect())
    })
}

fn listed(status: &Value) -> &Value {
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = conditions
        .iter()
        .find(|condition| condition["type"] == "LockoutsListed");
    found.unwrap_or(&Value::Null)
}

fn seed_many(org: &Org, prefix: &str, count: usize) {
    let people = (0..count).map(|n| {
        SeedUser::new(
            &format!("{prefix}-{n:03}@example.com"),
            Status::LockedOut,
            Some(SEED_PASSWORD),
        )
    });
    org.sandbox.seed(people.collect::<Vec<_>>()).expect("new logins");
}

#[test]
fn who_is_locked_out_is_shown_while_it_lasts() {
    let Some(stage) = stage() else { return };
    let all = org(stage, "lockouts", "{poll: 1s}");
    let org = &all.org;
    org.directory_when(|status| listed(status)["status"] == "True");
    assert_eq!(shown(&all), [] as [Value; 0]);
    let locked = |more: usize| more + all.before.len();
    org.seed_locked("locked-one@example.com");
    org.seed_locked("locked-two@example.com");
    let accounts = shown_when(&all, |count| count == 2);
    assert_eq!(logins(&accounts), ["locked-one@example.com", "locked-two@example.com"]);
    assert!(accounts[0]["lockout"]["since"].is_string(), "{:#}", accounts[0]);
    org.directory_when(|status| status["lockedAccounts"] == locked(2));
    // Nothing changes, so nothing is written.
    let versions = |accounts: &[Value]| -> Vec<Value> {
        accounts
            .iter()
            .map(|account| account["metadata"]["resourceVersion"].clone())
            .collect()
    };
    org.wait_lists();
    assert_eq!(versions(&shown(&all)), versions(&accounts));
    // Let in again, by a request and in Okta itself: the objects go.
    check(
        &org.unlocked("lockouts-one", "locked-one@example.com"),
        "Succeeded",
        "Unlocked",
        "",
    );
    let accounts = shown_when(&all, |count| count == 1);
    let name = accounts[0]["metadata"]["name"].as_str().expect("a name").to_owned();
    check(
        &org.unlocked("lockouts-two", "locked-two@example.com"),
        "Succeeded",
        "Unlocked",
        "",
    );
    shown_when(&all, |count| count == 0);
    let gone = api::find(stage.plane, "account", "", &name);
    assert_eq!(gone, None, "{name} has no ledger, so it should be gone");
    org.directory_when(|status| status["lockedAccounts"] == locked(0));
}

#[test]
fn a_ledger_outlives_the_lock() {
    let Some(stage) = stage() else { return };
    let all = org(stage, "lockouts-ledger", "{poll: 1s}");
    let org = &all.org;
    org.seed_locked("with-ledger@example.com");
    let account = shown_when(&all, |count| count == 1).remove(0);
    let name = account["metadata"]["name"].as_str().expect("a name").to_owned();
    let status = org.is_reset("lockouts-reset", "with-ledger@example.com", "TemporaryPassword");
    check(&status, "Succeeded", "PasswordReset", "");
    assert_eq!(status["account"]["ref"], name, "{status:#}");
    shown_when(&all, |count| count == 0);
    let account = org.stage.get("account", "default", &name);
    assert_eq!(account["ledger"].as_array().map(Vec::len), Some(1), "{account:#}");
    assert_eq!(account["lockout"], Value::Null, "{account:#}");
}

#[test]
fn a_long_list_is_read_page_by_page_and_cut_at_the_most() {
    let Some(stage) = stage() else { return };
    let all = org(stage, "lockouts-many", "{poll: 1s, max: 300}");
    let org = &all.org;
    seed_many(org, "many", 250);
    let accounts = shown_when(&all, |count| count == 250);
    assert_eq!(logins(&accounts)[249], "many-249@example.com");
    seed_many(org, "more", 100);
    let status = org.directory_when(|status| listed(status)["reason"] == "TooManyLocked");
    assert_eq!(status["lockedAccounts"], 300, "{status:#}");
    let text = listed(&status)["message"].as_str().unwrap_or_default();
    assert!(
        text.contains("more than 300") && text.contains("spec.lockouts.max"),
        "{text}"
    );
    let most = 300 - all.before.len();
    shown_when(&all, |count| (most..=300).contains(&count));
}

#[test]
fn no_names_are_stored_where_the_directory_forbids_it_and_nothing_where_it_asks_for_no_list() {
    let Some(stage) = stage() else { return };
    let all = org(stage, "lockouts-none", "{poll: 1s, personalData: None}");
    let org = &all.org;
    org.seed_locked("nameless@example.com");
    let accounts = shown_when(&all, |count| count == 1);
    assert!(!accounts[0].to_string().contains("nameless"), "{:#}", accounts[0]);
    assert_eq!(accounts[0]["id"], org.account("nameless@example.com").id);
    org.connect(sandbox::ADMIN_TOKEN);
    shown_when(&all, |count| count == 0);
    org.directory_when(|status| *listed(status) == Value::Null && status["lockedAccounts"] == Value::Null);
}
