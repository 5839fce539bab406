//! The CRDs on a real API server: accepted, and each rule says no with a text that says what to do.

mod support;

use std::io::{BufRead, BufReader};
use support::{kubectl, refused_with, success, unlock, with_crds};
use testkit::control_plane::ControlPlane;

const FORBIDDEN: &str = "Forbidden: a request cannot be changed; create one with another name";

fn create(plane: &ControlPlane, manifest: &str) {
    plane.create("admin", manifest).expect("created");
}

fn patch(plane: &ControlPlane, resource: &str, patch: &str) -> std::process::Output {
    kubectl(plane, "admin", &["patch", resource, "--type=merge", "-p", patch])
}

fn patch_status(plane: &ControlPlane, resource: &str, patch: &str) -> std::process::Output {
    let args = ["patch", resource, "--subresource=status", "--type=merge", "-p", patch];
    kubectl(plane, "admin", &args)
}

fn reset(name: &str) -> String {
    format!(
        "apiVersion: readmit.dev/v1alpha1\nkind: PasswordResetRequest\nmetadata: {{name: {name}, namespace: default}}\n\
         spec: {{directory: okta, account: {{login: alice@example.com}}, recipients: [age1a, age1b], reason: leave,\
         policy: desk, notBefore: '2030-01-01T00:00:00Z', notAfter: '2030-01-02T00:00:00Z'}}\n"
    )
}

/// A status with one Ready condition; `more` goes before it.
fn ready(more: &str, reason: &str) -> String {
    format!(
        r#"{{"status": {{{more} "conditions": [{{"type": "Ready", "status": "True", "reason": "{reason}",
        "message": "a text", "lastTransitionTime": "2026-01-01T00:00:00Z"}}]}}}}"#
    )
}

#[test]
fn columns_show_what_people_ask_for() {
    let Some(plane) = with_crds() else { return };
    create(plane, &unlock("columns", "requester: {username: bob}"));
    let more = r#""policy": {"name": "desk", "uid": "u", "generation": 1},"#;
    success(&patch_status(plane, "aur/columns", &ready(more, "Unlocked")));
    let table = success(&kubectl(plane, "admin", &["get", "aur", "columns"]));
    let words: Vec<&str> = table.split_whitespace().collect();
    let expected = ["NAME", "ACCOUNT", "DIRECTORY", "STATE", "REQUESTER", "AGE"];
    assert_eq!(&words[..6], expected, "{table}");
    assert_eq!(
        &words[6..11],
        ["columns", "alice@example.com", "okta", "Unlocked", "bob"],
        "{table}"
    );
    let wide = success(&kubectl(plane, "admin", &["get", "aur", "columns", "-o", "wide"]));
    assert!(
        wide.contains("POLICY") && wide.contains("desk") && wide.contains("a text"),
        "{wide}"
    );
    let category = success(&kubectl(plane, "admin", &["get", "readmit"]));
    assert!(
        category.contains("accountunlockrequest.readmit.dev/columns"),
        "{category}"
    );
}

#[test]
fn an_account_shows_who_holds_it() {
    let Some(plane) = with_crds() else { return };
    create(
        plane,
        "apiVersion: readmit.dev/v1alpha1\nkind: Account\nmetadata: {name: okta-shown, labels: {readmit.dev/claim: uid-1}}\n\
         provider: okta\nupstream: org\nid: 00u1\n",
    );
    let table = success(&kubectl(plane, "admin", &["get", "acct", "okta-shown"]));
    for word in ["PROVIDER", "CLAIM", "00u1", "uid-1"] {
        assert!(table.contains(word), "{word} is missing in {table}");
    }
}

#[test]
fn explain_has_a_text() {
    let Some(plane) = with_crds() else { return };
    let text = success(&kubectl(plane, "admin", &["explain", "aur.spec.account.login"]));
    assert!(text.contains("The name the owner signs in with"), "{text}");
}

#[test]
fn a_new_request_counts_as_not_observed() {
    let Some(plane) = with_crds() else { return };
    create(plane, &unlock("fresh", ""));
    let status = ["get", "aur", "fresh", "-o", "jsonpath={.status}"];
    assert_eq!(
        success(&kubectl(plane, "admin", &status)),
        r#"{"observedGeneration":-1}"#
    );
    success(&patch_status(plane, "aur/fresh", &ready("", "NoPolicy")));
    success(&patch_status(plane, "aur/fresh", r#"{"status": null}"#));
    assert_eq!(
        success(&kubectl(plane, "admin", &status)),
        r#"{"observedGeneration":-1}"#
    );
}

#[test]
fn a_finished_request_leaves_the_watch() {
    let Some(plane) = with_crds() else { return };
    create(plane, &unlock("watched", "suspend: true"));
    let fields = "--field-selector=status.outcome=,metadata.name=watched";
    let args = [
        "get",
        "aur",
        "--watch",
        "--output-watch-events",
        "--request-timeout=20s",
        fields,
    ];
    let watch = plane
        .kubectl("admin")
        .args(args)
        .stdout(std::process::Stdio::piped())
        .spawn();
    let mut watch = watch.expect("start kubectl");
    // They end with its time-out at the latest.
    let mut lines = BufReader::new(watch.stdout.take().expect("piped")).lines();
    let mut event = || lines.next().and_then(Result::ok).unwrap_or_default();
    assert!(event().contains("EVENT"), "the head of a table");
    assert!(event().starts_with("ADDED "));
    success(&patch_status(plane, "aur/watched", &ready("", "NoPolicy")));
    success(&patch_status(
        plane,
        "aur/watched",
        &ready(r#""outcome": "Succeeded","#, "Unlocked"),
    ));
    let events = [event(), event()];
    watch.kill().expect("it runs");
    watch.wait().expect("it has ended");
    for (event, kind) in events.iter().zip(["MODIFIED ", "DELETED "]) {
        assert!(event.starts_with(kind), "{events:#?}");
    }
    let finished = [
        "get",
        "aur",
        "-o",
        "name",
        "--field-selector=status.outcome=Succeeded,spec.directory=okta",
    ];
    assert!(success(&kubectl(plane, "admin", &finished)).contains("/watched"));
}

#[test]
fn a_request_cannot_be_changed() {
    let Some(plane) = with_crds() else { return };
    create(plane, &reset("frozen"));
    for (field, value) in [
        ("directory", r#""other""#),
        ("account", r#"{"login": "mallory"}"#),
        ("account", r#"{"login": null, "id": "00u1"}"#),
        ("method", r#""TemporaryPassword""#),
        ("unlock", "false"),
        ("recipients", r#"["age1b", "age1a"]"#),
        ("recipients", "null"),
        ("policy", r#""other""#),
        ("policy", "null"),
        ("reason", r#""other""#),
        ("notBefore", "null"),
        ("notAfter", r#""2030-01-03T00:00:00Z""#),
    ] {
        let output = patch(plane, "pwr/frozen", &format!(r#"{{"spec": {{"{field}": {value}}}}}"#));
        refused_with(&output, &[&format!("spec.{field}: {FORBIDDEN}")]);
    }
    // Without its value a field with a default would take that.
    for (field, value) in [("method", "ChangeAtNextSignIn"), ("unlock", "false")] {
        let name = format!("{field}-given");
        create(
            plane,
            &format!(
                "apiVersion: readmit.dev/v1alpha1\nkind: PasswordResetRequest\nmetadata: {{name: {name}}}\n\
                 spec: {{directory: okta, account: {{login: a}}, {field}: {value}}}\n"
            ),
        );
        let output = patch(
            plane,
            &format!("pwr/{name}"),
            &format!(r#"{{"spec": {{"{field}": null}}}}"#),
        );
        refused_with(&output, &[&format!("spec.{field}: {FORBIDDEN}")]);
    }
    create(plane, &unlock("bare", ""));
    refused_with(
        &patch(
            plane,
            "aur/bare",
            r#"{"spec": {"policy": "desk", "notAfter": "2030-01-03T00:00:00Z"}}"#,
        ),
        &[
            &format!("spec.policy: {FORBIDDEN}"),
            &format!("spec.notAfter: {FORBIDDEN}"),
        ],
    );
    success(&patch(
        plane,
        "pwr/frozen",
        r#"{"spec": {"suspend": true, "ttlAfterFinished": "1h"}}"#,
    ));
    success(&patch(
        plane,
        "pwr/frozen",
        r#"{"spec": {"suspend": null, "ttlAfterFinished": null}}"#,
    ));
}

#[test]
fn the_stamp_cannot_be_changed() {
    let Some(plane) = with_crds() else { return };
    create(plane, &unlock("stamped", "requester: {username: bob, groups: [a, b]}"));
    let advice = "spec.requester: Forbidden: spec.requester is written by the API server and never changes; remove it";
    for value in ["null", r#"{"username": "mallory"}"#, r#"{"groups": ["a", "b", "c"]}"#] {
        let output = patch(
            plane,
            "aur/stamped",
            &format!(r#"{{"spec": {{"requester": {value}}}}}"#),
        );
        refused_with(&output, &[advice]);
    }
}

#[test]
fn exactly_one_member() {
    let Some(plane) = with_crds() else { return };
    let text = unlock("members", "");
    for account in [
        "{}",
        "{login: a, id: b}",
        "{login: a, id: b, email: c}",
        "{login: null}",
    ] {
        let output = plane
            .try_create("admin", &text.replace("{login: alice@example.com}", account))
            .expect("kubectl");
        refused_with(
            &output,
            &["spec.account: Invalid value", "set exactly one of login, id, email"],
        );
    }
    let one = text.replace("{login: alice@example.com}", "{login: null, id: 00u1}");
    create(plane, &one);

    let okta = "okta: {url: 'https://example.okta.com', tokenSecretRef: {name: okta}}";
    let openldap = "openldap: {url: 'ldaps://ldap', bindDN: cn=a, bindSecretRef: {name: a}, baseDN: dc=a}";
    for provider in [String::new(), format!("{okta}, {openldap}")] {
        let output = plane
            .try_create("admin", &directory("two", &provider))
            .expect("kubectl");
        refused_with(
            &output,
            &["spec.provider: Invalid value", "set exactly one of activeDirectory"],
        );
    }
    create(plane, &directory("one", openldap));
}

#[test]
fn a_source_leads_elsewhere_by_one_key_and_is_confirmed() {
    let Some(plane) = with_crds() else { return };
    let okta = "okta: {url: 'https://example.okta.com', tokenSecretRef: {name: okta}}";
    let text = |source: &str| {
        let text = directory("routed", okta);
        let spec = text.trim_end().strip_suffix('}').expect("the spec ends it");
        format!("{spec}, sources: [{{when: 'true', {source}}}]}}\n")
    };
    for (source, parts) in [
        (
            "directory: routed, account: {login: a}, confirm: {id: b}",
            ["spec.sources: Invalid value", "leads to another Directory than its own"],
        ),
        (
            "directory: corp, account: {login: a, id: b}, confirm: {id: b}",
            ["spec.sources[0].account", "set exactly one of login, id, email"],
        ),
        (
            "directory: corp, account: {login: a}, confirm: {}",
            ["spec.sources[0].confirm", "should have at least 1 propert"],
        ),
        (
            "directory: corp, account: {login: a}",
            ["spec.sources[0].confirm", "Required value"],
        ),
    ] {
        refused_with(&plane.try_create("admin", &text(source)).expect("kubectl"), &parts);
    }
    create(
        plane,
        &text("directory: corp, account: {login: a}, confirm: {objectGUID: b}"),
    );
}

/// The name stands in a label of every account that is listed.
#[test]
fn a_directory_that_lists_locked_accounts_has_a_short_name() {
    let Some(plane) = with_crds() else { return };
    let okta = "okta: {url: 'https://example.okta.com', tokenSecretRef: {name: okta}}";
    for (length, more, taken) in [
        (63, ", lockouts: {poll: 60s}", true),
        (64, ", lockouts: {poll: 60s}", false),
        (64, "", true),
    ] {
        let name = "d".repeat(length);
        let text = directory(&name, okta);
        let text = format!(
            "{}{more}}}\n",
            text.trim_end().strip_suffix('}').expect("the spec ends it")
        );
        let output = plane.try_create("admin", &text).expect("kubectl");
        match taken {
            true => drop(success(&output)),
            false => refused_with(&output, &["spec.lockouts", "at most 63 characters"]),
        }
        success(&kubectl(
            plane,
            "admin",
            &["delete", "directory", &name, "--ignore-not-found"],
        ));
    }
}

fn directory(name: &str, provider: &str) -> String {
    format!(
        "apiVersion: readmit.dev/v1alpha1\nkind: Directory\nmetadata: {{name: {name}}}\nspec: {{provider: {{{provider}}}}}\n"
    )
}

#[test]
fn plain_text_goes_to_loopback_only() {
    let Some(plane) = with_crds() else { return };
    let okta = |url: &str| {
        directory(
            "plain",
            &format!("okta: {{url: '{url}', tokenSecretRef: {{name: okta}}}}"),
        )
    };
    for url in [
        "http://example.okta.com",
        "ftp://example.okta.com",
        "example.okta.com",
        "http://127.0.0.1.example.com",
    ] {
        let output = plane.try_create("admin", &okta(url)).expect("kubectl");
        refused_with(
            &output,
            &["spec.provider.okta.url: Invalid value", "must be an https:// URL"],
        );
    }
    for url in [
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://[::1]:8080",
        "https://example.okta.com",
    ] {
        plane
            .apply("admin", &okta(url))
            .unwrap_or_else(|error| panic!("{url}: {error:#}"));
    }
}

#[test]
fn a_finished_request_never_changes() {
    let Some(plane) = with_crds() else { return };
    create(plane, &unlock("finished", ""));
    success(&patch_status(
        plane,
        "aur/finished",
        &ready(r#""outcome": "Denied","#, "PolicyDenied"),
    ));
    for status in [
        r#"{"status": {"outcome": "Succeeded"}}"#,
        r#"{"status": {"outcome": null}}"#,
        r#"{"status": {"delivery": {"sealed": "x"}}}"#,
        r#"{"status": null}"#,
    ] {
        let output = patch_status(plane, "aur/finished", status);
        refused_with(&output, &["status: Forbidden: a finished request never changes"]);
    }
    success(&patch_status(plane, "aur/finished", &ready("", "PolicyDenied")));
    success(&patch(plane, "aur/finished", r#"{"spec": {"ttlAfterFinished": "1h"}}"#));
}

#[test]
fn an_account_has_one_open_claim() {
    let Some(plane) = with_crds() else { return };
    let closed = "{uid: u1, action: Unlock, policy: desk, time: '2026-01-01T00:00:00Z', keepUntil: '2026-02-01T00:00:00Z', outcome: Done}";
    let open = closed.replace(
        "outcome: Done",
        "claim: {directory: okta, kind: AccountUnlockRequest, namespace: default, name: alice-1, attempt: 1, nonce: nonce, writer: writer, \
         deadline: '2026-01-01T00:00:00Z', policy: {name: desk, uid: u, generation: 1}}",
    );
    let account = |name: &str, ledger: &[&str]| {
        format!(
            "apiVersion: readmit.dev/v1alpha1\nkind: Account\nmetadata: {{name: {name}}}\nprovider: okta\nupstream: org\n\
             id: 00u1\nledger: [{}]\n",
            ledger.join(", ")
        )
    };
    create(plane, &account("okta-one", &[closed, &open, closed]));
    let output = plane
        .try_create("admin", &account("okta-two", &[&open, closed, &open]))
        .expect("kubectl");
    refused_with(
        &output,
        &["ledger: Invalid value", "an account has at most one open claim"],
    );
}

#[test]
fn bad_values_are_named() {
    let Some(plane) = with_crds() else { return };
    let long = unlock("bad", "").replace("alice@example.com", &"a".repeat(300));
    for (manifest, parts) in [
        (long, ["spec.account.login: Too long", "256"]),
        (
            unlock("bad", "ttlAfterFinished: 1d"),
            ["spec.ttlAfterFinished: Invalid value", "should match"],
        ),
        (
            unlock("bad", "notAfter: tomorrow"),
            ["spec.notAfter: Invalid value", "date-time"],
        ),
        (
            unlock(
                "bad",
                "notBefore: '2030-01-02T00:00:00Z', notAfter: '2030-01-01T00:00:00Z'",
            ),
            ["spec.notAfter: Invalid value", "notAfter must be later than notBefore"],
        ),
        (
            unlock("bad", "accuont: {}"),
            ["strict decoding error", "unknown field \"spec.accuont\""],
        ),
        (
            policy("maxValidity: 721h"),
            ["spec.maxValidity: Invalid value", "at most 720h"],
        ),
        (
            policy("maxValidity: 0s"),
            ["spec.maxValidity: Invalid value", "longer than 0s"],
        ),
        (
            policy("limits: [{actions: [Unlock], max: 1, per: 99999h}]"),
            ["spec.limits[0].per: Invalid value", "at most 720h"],
        ),
        (
            policy("actions: [Reset]"),
            ["spec.actions[0]: Unsupported value", "\"ResetPassword\""],
        ),
    ] {
        refused_with(&plane.try_create("admin", &manifest).expect("kubectl"), &parts);
    }
}

/// An AccountPolicy; `spec` overrides or extends the least one.
fn policy(spec: &str) -> String {
    let actions = if spec.starts_with("actions") {
        ""
    } else {
        "actions: [Unlock], "
    };
    format!(
        "apiVersion: readmit.dev/v1alpha1\nkind: AccountPolicy\nmetadata: {{name: bad}}\n\
         spec: {{{actions}directories: [okta], {spec}}}\n"
    )
}

#[test]
fn a_policy_shows_its_defaults() {
    let Some(plane) = with_crds() else { return };
    create(
        plane,
        &policy("selfService: true").replace("name: bad", "name: defaults"),
    );
    let limits = [
        "get",
        "accountpolicy",
        "defaults",
        "-o",
        "jsonpath={.spec.limits} {.spec.maxValidity} {.spec.password.length}",
    ];
    let text = success(&kubectl(plane, "admin", &limits));
    assert_eq!(text, r#"[{"actions":["ResetPassword"],"max":3,"per":"24h"}] 24h 20"#);
}
