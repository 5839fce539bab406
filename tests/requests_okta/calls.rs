//! How many of Okta's calls a request costs, as `docs/providers.md` says.

use crate::support::{
    org::{Org, check},
    stage::stage,
};
use sandbox::Origin;

/// The calls about this account.
fn calls(org: &Org, login: &str) -> Vec<String> {
    let id = org.account(login).id;
    let names = |path: &str| path.contains(&id) || path.contains(login);
    let truth = org.sandbox.truth().into_iter();
    truth
        .filter(|call| call.origin == Origin::Api && (names(&call.path) || call.query.contains("filter=")))
        .map(|call| format!("{} {}", call.method, call.path))
        .collect()
}

/// The number in such a sentence of the Okta section.
fn documented(what: &str) -> usize {
    let text = include_str!("../../docs/providers.md");
    let section = text
        .split("\n## ")
        .find(|section| section.starts_with("Okta\n"))
        .expect("a section");
    let words: String = section.split_whitespace().collect::<Vec<_>>().join(" ");
    let rest = words
        .split_once(what)
        .unwrap_or_else(|| panic!("nothing says {what:?} in {words}"))
        .1;
    let number: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    number
        .parse()
        .unwrap_or_else(|_| panic!("no number follows {what:?}: {rest:.40}"))
}

#[test]
fn calls_are_as_many_as_documented() {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, "calls");
    for (name, login, what) in [
        ("calls-unlock", "alice@example.com", "an unlock by login costs"),
        ("calls-none", "bob@example.com", "one of an account that is not locked"),
        ("calls-link", "quinn@example.com", "a mailed link"),
        ("calls-temporary", "carol@example.com", "a temporary password"),
    ] {
        let status = match name {
            "calls-link" => org.is_reset(name, login, "Link"),
            "calls-temporary" => org.is_reset(name, login, "TemporaryPassword"),
            _ => org.unlocked(name, login),
        };
        assert_eq!(status["outcome"], "Succeeded", "{status:#}");
        let calls = calls(&org, login);
        assert_eq!(calls.len(), documented(what), "{what}: {calls:#?}");
    }
    // A second request within the minute does not look up the roles again.
    org.sandbox.lock("alice@example.com").expect("locked again");
    let before = calls(&org, "alice@example.com").len();
    check(
        &org.unlocked("calls-again", "alice@example.com"),
        "Succeeded",
        "Unlocked",
        "",
    );
    let again = calls(&org, "alice@example.com").split_off(before);
    assert!(again.iter().all(|call| !call.ends_with("/roles")), "{again:?}");
}
