//! Whose account it is: protected, ambiguous, hard to address, not there.

use crate::support::{
    org::{Org, check},
    refused_with,
    stage::stage,
};
use sandbox::{Entry, Origin};
use serde_json::json;
use std::sync::OnceLock;

const NOBODY: &str = "no account that may be acted on matches";

fn org() -> Option<&'static Org> {
    static ORG: OnceLock<Option<Org>> = OnceLock::new();
    ORG.get_or_init(|| Some(Org::start(stage()?, "people"))).as_ref()
}

#[test]
fn administrators_are_protected_and_only_who_may_inspect_learns_that() {
    let Some(org) = org() else { return };
    for (name, login, why) in [
        ("judy", "judy@example.com", "SUPER_ADMIN"),
        ("trent", "trent@example.com", "CUSTOM"),
        ("self", "operator@example.com", "the API token belongs to this account"),
    ] {
        let (desk, admin) = (format!("people-{name}"), format!("people-{name}-inspected"));
        check(&org.unlocked(&desk, login), "Denied", "NotEligible", NOBODY);
        let account = format!("{{login: {login}}}");
        org.stage.create("admin", &org.unlock(&admin, &account));
        check(&org.stage.finished("aur", &admin), "Denied", "Protected", why);
        assert_eq!(org.written(login), [""; 0], "{login}");
    }
}

#[test]
fn an_address_that_two_accounts_have_names_neither() {
    let Some(org) = org() else { return };
    let account = "{email: nina@example.com}";
    org.stage.create("bob", &org.unlock("people-nina", account));
    check(
        &org.stage.finished("aur", "people-nina"),
        "Denied",
        "NotEligible",
        NOBODY,
    );
    org.stage.create("admin", &org.unlock("people-nina-inspected", account));
    let status = org.stage.finished("aur", "people-nina-inspected");
    check(
        &status,
        "Denied",
        "NotEligible",
        "several accounts match; name one by its id",
    );
    for login in ["nina@example.com", "nina-admin@example.com"] {
        assert_eq!(org.written(login), [""; 0], "{login}");
    }
}

#[test]
fn a_login_with_a_slash_or_a_percent_sign_is_found() {
    let Some(org) = org() else { return };
    for (name, login) in [
        ("people-oscar", "team/oscar@example.com"),
        ("people-percent", "per%cent@example.com"),
    ] {
        check(&org.unlocked(name, login), "Succeeded", "Unlocked", "");
        assert_eq!(org.written(login), ["POST /lifecycle/unlock"], "{login}");
    }
}

#[test]
fn a_login_that_is_a_path_or_a_query_names_nobody() {
    // Of its own, so that every call in its log is about these logins.
    let Some(org) = stage().map(|stage| Org::start(stage, "odd")) else {
        return;
    };
    let logins = [
        "alice@example.com/lifecycle/unlock",
        "a@b.c/../lifecycle",
        "..",
        "../groups",
        "me",
        "me?activate=true",
        "x\" or status eq \"ACTIVE",
        "x\" or profile.login sw \"",
        "alice@example.com#",
        "alice",
    ];
    for (number, login) in logins.iter().enumerate() {
        let status = org.unlocked(&format!("odd-{number}"), login);
        check(&status, "Denied", "NotEligible", NOBODY);
    }
    let calls: Vec<Entry> = org.sandbox.truth();
    let calls = || calls.iter().filter(|call| call.origin == Origin::Api);
    for call in calls() {
        let usual = ["/api/v1/users", "/.well-known/okta-organization"];
        let user = call
            .path
            .strip_prefix("/api/v1/users/")
            .map(|tail| tail.split('/').collect::<Vec<_>>());
        let is_read = match user.as_deref() {
            None => usual.contains(&&*call.path),
            Some([_]) => true,
            Some([_, part]) => ["roles", "blocks"].contains(part),
            Some(_) => false,
        };
        assert!(call.method == "GET" && is_read, "{} {}", call.method, call.path);
    }
    // Quotation marks stay within the text that is compared with.
    let escaped = calls().filter(|call| call.query.contains("x%5C%22"));
    assert!(escaped.count() >= 2, "both were asked for");
    assert!(
        calls().all(|call| !call.query.contains("%22x%22")),
        "an injected filter"
    );
}

#[test]
fn a_login_of_300_characters_is_refused_at_once() {
    let Some(org) = org() else { return };
    let login = format!("{}@example.com", "a".repeat(288));
    let account = json!({ "login": login }).to_string();
    let output = org.stage.plane.try_create("bob", &org.unlock("people-long", &account));
    refused_with(
        &output.expect("kubectl runs"),
        &["spec.account.login", "Too long", "256"],
    );
}
