//! What a source says of an account, and what confirms the one that it leads to.

use super::*;
use serde_json::{Map, json};

fn account(id: &str, profile: Value) -> AccountRead {
    let profile: Map<String, Value> = serde_json::from_value(profile).unwrap();
    AccountRead {
        profile,
        unreadable: vec!["photo".into()],
        ..AccountRead::bare(id)
    }
}

fn confirmed(name: &str, wanted: &str, there: &AccountRead) -> bool {
    let route = Route {
        directory: "corp".into(),
        key: AccountSelector {
            login: Some("ada".into()),
            id: None,
            email: None,
        },
        confirm: vec![(name.into(), wanted.into())],
    };
    route.confirms(there) == Match::Confirmed
}

#[test]
fn an_attribute_confirms_by_what_it_means() {
    const GUID: &str = "a91df29c-2fca-4225-a442-26bdc9bc0ffa";
    let profile = json!({
        "objectGUID": GUID, "employeeNumber": 4711, "cn": "Ada", "mail": ["a@x", "b@x"], "title": "", "fired": false,
    });
    let there = account(GUID, profile);
    for (name, wanted, same) in [
        ("id", GUID, true),
        ("id", "nPIdqcovJUKkQia9ybwP+g==", true),
        ("objectGUID", "nPIdqcovJUKkQia9ybwP+g==", true),
        ("ObjectGuid", "A91DF29C-2FCA-4225-A442-26BDC9BC0FFA", true),
        ("objectGUID", "a91df29c-2fca-4225-a442-26bdc9bc0ffb", false),
        ("objectGUID", "", false),
        ("employeeNumber", "4711", true),
        ("employeeNumber", "04711", false),
        ("cn", "Ada", true),
        // Only of GUIDs it is known that letter case means nothing.
        ("cn", "ada", false),
        ("mail", "a@x", false),
        ("title", "", false),
        ("fired", "false", false),
        ("photo", "x", false),
        ("missing", "x", false),
    ] {
        assert_eq!(confirmed(name, wanted, &there), same, "{name} {wanted:?}");
    }
    let nothing = Route {
        confirm: Vec::new(),
        directory: "corp".into(),
        key: AccountSelector {
            login: None,
            id: Some(GUID.into()),
            email: None,
        },
    };
    assert!(matches!(nothing.confirms(&there), Match::Unconfirmed(_)));
    assert!(matches!(
        Route {
            confirm: vec![("photo".into(), "x".into())],
            ..nothing
        }
        .confirms(&there),
        Match::Unreadable(_)
    ));
}

#[test]
fn an_expression_that_gives_something_else_is_found_when_it_is_stored() {
    for (field, value, text) in [
        (
            "when",
            json!("account.login"),
            "when: the expression gives a string; it must give a boolean",
        ),
        ("when", json!("account.locekd"), "when: 1:9: account has no attribute"),
        (
            "account",
            json!({"login": "account.groups"}),
            "account.login: the expression gives a list; it must give a string",
        ),
        (
            "account",
            json!({"id": "nobody.id"}),
            "account.id: 1:1: there is no variable",
        ),
        (
            "confirm",
            json!({"objectGUID": "true"}),
            "confirm.objectGUID: the expression gives a boolean",
        ),
    ] {
        let mut source = json!({
            "when": "true", "directory": "corp", "account": {"login": "account.login"}, "confirm": {"id": "account.id"},
        });
        source[field] = value;
        let error = Source::compile(&serde_json::from_value(source).unwrap()).unwrap_err();
        assert!(error.starts_with(text), "{error}");
    }
}
