//! What the API server refuses, by a schema, a rule of it or an admission policy.

use crate::*;

fn directory(provider: &str) -> String {
    format!(
        "apiVersion: readmit.dev/v1alpha1\nkind: Directory\nmetadata: {{name: refused}}\nspec: {{provider: {{{provider}}}}}\n"
    )
}

fn policy(spec: &str) -> String {
    format!(
        "apiVersion: readmit.dev/v1alpha1\nkind: AccountPolicy\nmetadata: {{name: refused}}\n\
         spec: {{directories: [bad], {spec}}}\n"
    )
}

#[test]
fn directories_that_cannot_be_meant_are_refused() {
    let Some(org) = org() else { return };
    let okta = "okta: {url: 'https://example.okta.com', tokenSecretRef: {name: okta}}";
    let ldap =
        |url: &str| format!("openldap: {{url: '{url}', bindDN: cn=a, bindSecretRef: {{name: a}}, baseDN: dc=a}}");
    let one = ["spec.provider", "set exactly one of activeDirectory"];
    let both = format!("{okta}, {}", ldap("ldaps://ldap.example.test"));
    check(org, "admin", &directory(""), &Refused(&one));
    check(org, "admin", &directory(&both), &Refused(&one));
    let plain = okta.replace("https:", "http:");
    let parts = ["must be an https:// URL", "loopback"];
    check(org, "admin", &directory(&plain), &Refused(&parts));
    let app = "oauth: {clientID: 0oa1, privateKeySecretRef: {name: okta}}";
    let url = "url: 'https://example.okta.com'";
    let credential = ["spec.provider.okta", "set exactly one of tokenSecretRef, oauth"];
    for members in [url.to_owned(), format!("{url}, tokenSecretRef: {{name: okta}}, {app}")] {
        let okta = format!("okta: {{{members}}}");
        check(org, "admin", &directory(&okta), &Refused(&credential));
    }
    let spaced = app.replace("}}", "}, scopes: ['a b']}");
    let scopes = format!("okta: {{{url}, {spaced}}}");
    check(
        org,
        "admin",
        &directory(&scopes),
        &Refused(&["oauth.scopes[0]", "should match"]),
    );
    let parts = ["must be an ldaps:// URL", "loopback"];
    for url in ["ldap://ldap.example.test", "ldap://10.0.0.1", "ldap.example.test"] {
        check(org, "admin", &directory(&ldap(url)), &Refused(&parts));
    }
    // Not even to loopback: no domain controller takes a password in the clear.
    let plain = "activeDirectory: {url: 'ldap://127.0.0.1', bindName: a@b.test, bindSecretRef: {name: a}}";
    check(
        org,
        "admin",
        &directory(plain),
        &Refused(&["must be an ldaps:// URL", "encrypted"]),
    );
    let neither = plain.replace("ldap:", "ldaps:").replace("}}", "}, targetServer: Any}");
    check(
        org,
        "admin",
        &directory(&neither),
        &Refused(&["targetServer", "Named", "PDC"]),
    );
    let unknown = ["unknown field", "spec.provider.ldap"];
    check(org, "admin", &directory("ldap: {}"), &Refused(&unknown));
    let rates = directory(okta).replace("}}}}\n", "}}}, rateLimit: {requestsPerMinute: 0}}\n");
    check(org, "admin", &rates, &Refused(&["spec.rateLimit.requestsPerMinute"]));
}

#[test]
fn policies_that_cannot_be_meant_are_refused() {
    let Some(org) = org() else { return };
    let long = "x".repeat(2049);
    for (spec, parts) in [
        ("maxValidity: 1h", &["spec.actions", "Required"][..]),
        ("actions: []", &["spec.actions", "at least 1"]),
        ("actions: [Reset]", &["spec.actions[0]", "ResetPassword"]),
        (
            "actions: [Unlock], maxValidity: 1d",
            &["spec.maxValidity", "should match"],
        ),
        (
            "actions: [Unlock], maxValidity: 721h",
            &["spec.maxValidity", "at most 720h"],
        ),
        (
            "actions: [Unlock], limits: [{actions: [Unlock], max: 0, per: 24h}]",
            &["spec.limits[0].max", "greater than or equal to 1"],
        ),
        (
            "actions: [Unlock], password: {length: 8}",
            &["spec.password.length", "greater than or equal to 20"],
        ),
        (
            "actions: [Unlock], password: {methods: [Mail]}",
            &["spec.password.methods[0]", "Link"],
        ),
        (
            &format!("actions: [Unlock], accounts: [{{expression: {long}}}]"),
            &["spec.accounts[0].expression", "Too long", "2048"],
        ),
    ] {
        check(org, "admin", &policy(spec), &Refused(parts));
    }
}

#[test]
fn requests_that_cannot_be_meant_are_refused() {
    let Some(org) = org() else { return };
    let kind = "AccountUnlockRequest";
    let one = ["spec.account", "set exactly one of login, id, email"];
    for account in ["{}", "{login: a, id: b}", "{id: a, email: b}"] {
        check(
            org,
            "bob",
            &org.request(kind, "bad-refused", account, ""),
            &Refused(&one),
        );
    }
    let long = json!({"login": "a".repeat(300)}).to_string();
    let parts = ["spec.account.login", "Too long", "256"];
    check(
        org,
        "bob",
        &org.request(kind, "bad-refused", &long, ""),
        &Refused(&parts),
    );
    let late = format!(", notAfter: '{}'", from_now(31 * 24));
    let turned = format!(", notBefore: '{}', notAfter: '{}'", from_now(2), from_now(1));
    for (more, parts) in [
        (
            &*late,
            &["spec.notAfter must lie at most 720h (30 days) after creation"][..],
        ),
        (&*turned, &["spec.notAfter", "notAfter must be later than notBefore"]),
        (", notAfter: tomorrow", &["spec.notAfter", "date-time"]),
        (", ttlAfterFinished: 1d", &["spec.ttlAfterFinished", "should match"]),
        (", metod: Link", &["unknown field", "spec.metod"]),
        (", method: Link", &["unknown field", "spec.method"]),
    ] {
        check(org, "bob", &unlock(org, "bad-refused", more), &Refused(parts));
    }
    let parts = ["spec.method", "TemporaryPassword", "ChangeAtNextSignIn"];
    check(
        org,
        "bob",
        &reset(org, "bad-refused", ", method: Mail"),
        &Refused(&parts),
    );
    let parts = ["a request by a service account needs spec.notAfter", "run only once"];
    check(
        org,
        "pipeline",
        &unlock(org, "bad-refused", ""),
        &Refused(&parts.map(|part| part)),
    );
}

#[test]
fn a_request_cannot_be_changed() {
    let Some(org) = org() else { return };
    org.stage.create(
        "bob",
        &reset(org, "bad-changed", ", suspend: true, notAfter: '2030-01-01T00:00:00Z'")
            .replace("'2030-01-01T00:00:00Z'", &format!("'{}'", from_now(1))),
    );
    for patch in [
        json!({"spec": {"account": {"login": "bob@example.com"}}}),
        json!({"spec": {"method": "TemporaryPassword"}}),
        json!({"spec": {"recipients": ["age1x"]}}),
        json!({"spec": {"policy": "bad"}}),
        json!({"spec": {"unlock": false}}),
        json!({"spec": {"notAfter": from_now(2)}}),
        json!({"spec": {"notAfter": null}}),
    ] {
        let patch = patch.to_string();
        let output = kubectl(
            org.stage.plane,
            "bob",
            &["patch", "pwr", "bad-changed", "--type=merge", "-p", &patch],
        );
        refused_with(&output, &["a request cannot be changed; create one with another name"]);
    }
}
