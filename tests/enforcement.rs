//! The operator's eye on the admission policies, on a real API server: missing, altered, restored, away meanwhile.
//!
//! One scenario at a time, since all look at the same policies.

mod support;

use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use jiff::{SignedDuration, Timestamp};
use readmit::controller::enforcement::CONFIG_MAP;
use readmit::domain::enforcement::Enforcement;
use readmit::manifests;
use support::eye::{Eye, NAMESPACE, PATIENCE, RBAC};
use support::{api, kubectl, refused_with, success, unlock, with_input};
use testkit::control_plane::ControlPlane;

/// The control plane with everything installed and nothing recorded, for one scenario at a time.
fn cluster() -> Option<(&'static ControlPlane, MutexGuard<'static, ()>)> {
    static ALONE: Mutex<()> = Mutex::new(());
    static READY: Once = Once::new();
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let plane = support::with_crds()?;
    READY.call_once(|| {
        support::open_rbac(plane);
    });
    plane.apply("admin", RBAC).expect("RBAC");
    success(&with_input(
        plane,
        "admin",
        &["replace", "--force", "-f", "-"],
        &printed(),
    ));
    support::install_policies(plane, true);
    let forget = ["delete", "configmap", CONFIG_MAP, "-n", NAMESPACE, "--ignore-not-found"];
    success(&kubectl(plane, "admin", &forget));
    Some((plane, guard))
}

fn printed() -> String {
    manifests::admission_yaml(NAMESPACE, "readmit")
}

/// Runs what a message says after `repair it with: `, with the manifests in place of the printing command.
fn repair(plane: &ControlPlane, message: &str) {
    let (_, command) = message
        .split_once("repair it with: readmit admission | kubectl ")
        .expect("a command");
    let args: Vec<&str> = command.split(' ').collect();
    success(&with_input(plane, "admin", &args, &printed()));
}

fn recorded(plane: &ControlPlane) -> String {
    let args = [
        "get",
        "configmap",
        CONFIG_MAP,
        "-n",
        NAMESPACE,
        "-o=jsonpath={.data.enforcedSince}",
    ];
    success(&kubectl(plane, "admin", &args))
}

/// The record knows whole seconds: what is recorded from now on differs from this.
fn let_a_second_pass(since: Timestamp) {
    let next = since + SignedDuration::from_millis(1_050);
    std::thread::sleep(next.duration_since(Timestamp::now()).try_into().unwrap_or_default());
}

#[test]
fn the_time_survives_a_restart() {
    let Some((plane, _alone)) = cluster() else { return };
    let before = Timestamp::now().as_second();
    let mut first = Eye::start(plane);
    let since = first.enforced();
    assert!(
        (before..=Timestamp::now().as_second()).contains(&since.as_second()),
        "{since}"
    );
    assert_eq!(recorded(plane), since.to_string());
    drop(first);
    let_a_second_pass(since);
    assert_eq!(Eye::start(plane).enforced(), since);
    assert_eq!(Eye::start(plane).enforced(), since, "two at once agree");
}

#[test]
fn a_stopped_eye_knows_nothing() {
    let Some((plane, _alone)) = cluster() else { return };
    let mut eye = Eye::start(plane);
    eye.enforced();
    eye.stop.cancel();
    eye.wait("Unknown", |e| *e == Enforcement::Unknown);
}

#[test]
fn what_is_missing_is_named_and_comes_back() {
    let Some((plane, _alone)) = cluster() else { return };
    let mut eye = Eye::start(plane);
    let since = eye.enforced();
    let_a_second_pass(since);
    success(&kubectl(
        plane,
        "admin",
        &["delete", "mutatingadmissionpolicybinding", "stamp.readmit.dev"],
    ));
    let message = eye.broken("MutatingAdmissionPolicyBinding stamp.readmit.dev is missing");
    // Nothing is stamped now, and what is not stamped is refused: closed twice.
    testkit::wait::until_ok("the binding's absence to be felt", PATIENCE, || {
        let Err(text) = api::dry_run(plane, ("alice", None), &unlock("unstamped", "")) else {
            anyhow::bail!("created");
        };
        // Two policies refuse it, and the API server names either.
        anyhow::ensure!(
            text.contains("'requests.readmit.dev'") || text.contains("'stamped.readmit.dev'"),
            "{text}"
        );
        Ok(())
    })
    .expect("refused");
    let own = "requester: {username: 'oidc:alice@example.com', groups: [desk]}";
    let output = plane
        .try_create("alice", &unlock("unstamped", own))
        .expect("run kubectl");
    refused_with(
        &output,
        &["restore the MutatingAdmissionPolicy stamp.readmit.dev and its binding"],
    );
    repair(plane, &message);
    assert!(eye.enforced() > since);
    assert_eq!(recorded(plane), eye.enforced().to_string());
}

#[test]
fn a_narrowed_binding_is_seen_and_replaced() {
    let Some((plane, _alone)) = cluster() else { return };
    let mut eye = Eye::start(plane);
    let since = eye.enforced();
    let_a_second_pass(since);
    let narrow = r#"{"spec": {"matchResources": {"namespaceSelector": {"matchLabels": {"guarded": "yes"}}}}}"#;
    let binding = "validatingadmissionpolicybinding/requests.readmit.dev";
    success(&kubectl(
        plane,
        "admin",
        &["patch", binding, "--type=merge", "-p", narrow],
    ));
    let message = eye.broken("requests.readmit.dev (spec.matchResources) is altered");
    assert!(message.ends_with("kubectl replace -f -"), "{message}");
    repair(plane, &message);
    assert!(eye.enforced() > since, "the time moves although the uid is the same");
}

#[test]
fn a_removed_validation_is_seen() {
    let Some((plane, _alone)) = cluster() else { return };
    let mut eye = Eye::start(plane);
    eye.enforced();
    let patch = r#"[{"op": "remove", "path": "/spec/validations/2"}]"#;
    let policy = "validatingadmissionpolicy/requests.readmit.dev";
    success(&kubectl(plane, "admin", &["patch", policy, "--type=json", "-p", patch]));
    success(&kubectl(
        plane,
        "admin",
        &["delete", "validatingadmissionpolicy", "stamped.readmit.dev"],
    ));
    let message = eye.broken("stamped.readmit.dev is missing");
    assert!(
        message.contains("ValidatingAdmissionPolicy requests.readmit.dev (spec.validations"),
        "{message}"
    );
    repair(plane, &message);
    eye.enforced();
}

#[test]
fn what_was_away_meanwhile_is_noticed() {
    let Some((plane, _alone)) = cluster() else { return };
    let since = Eye::start(plane).enforced();
    let_a_second_pass(since);
    success(&with_input(plane, "admin", &["delete", "-f", "-"], &printed()));
    success(&with_input(plane, "admin", &["apply", "-f", "-"], &printed()));
    let later = Eye::start(plane).enforced();
    assert!(later > since, "{later} {since}");
    // Altered and set back: the same uid, another generation.
    let_a_second_pass(later);
    let policy = "validatingadmissionpolicy/operator-only.readmit.dev";
    for value in ["Ignore", "Fail"] {
        let patch = format!(r#"{{"spec": {{"failurePolicy": "{value}"}}}}"#);
        success(&kubectl(
            plane,
            "admin",
            &["patch", policy, "--type=merge", "-p", &patch],
        ));
    }
    assert!(Eye::start(plane).enforced() > later);
    // Labels are nobody's business.
    let now = Eye::start(plane).enforced();
    let_a_second_pass(now);
    success(&kubectl(plane, "admin", &["label", policy, "team=identity"]));
    assert_eq!(Eye::start(plane).enforced(), now);
}

#[test]
fn without_its_rights_nothing_is_enforced() {
    let Some((plane, _alone)) = cluster() else { return };
    let write_only = [
        "create",
        "role",
        "readmit-test",
        "-n",
        NAMESPACE,
        "--verb=get",
        "--resource=configmaps",
    ];
    success(&kubectl(
        plane,
        "admin",
        &["delete", "role", "readmit-test", "-n", NAMESPACE],
    ));
    success(&kubectl(plane, "admin", &write_only));
    let mut eye = Eye::start(plane);
    let message = eye.broken("cannot write ConfigMap readmit-system/readmit-enforcement");
    assert!(message.contains("cannot create resource \"configmaps\""), "{message}");
    success(&kubectl(
        plane,
        "admin",
        &["delete", "clusterrolebinding", "readmit-test"],
    ));
    eye.broken("cannot read MutatingAdmissionPolicy stamp.readmit.dev");
    success(&kubectl(
        plane,
        "admin",
        &["delete", "role", "readmit-test", "-n", NAMESPACE],
    ));
    plane.apply("admin", RBAC).expect("RBAC");
    eye.enforced();
}

#[test]
fn a_foreign_record_counts_as_none() {
    let Some((plane, _alone)) = cluster() else { return };
    let since = Eye::start(plane).enforced();
    let_a_second_pass(since);
    let patch = r#"{"data": {"objects": "{}", "enforcedSince": "2020-01-01T00:00:00Z"}}"#;
    let args = [
        "patch",
        "configmap",
        CONFIG_MAP,
        "-n",
        NAMESPACE,
        "--type=merge",
        "-p",
        patch,
    ];
    success(&kubectl(plane, "admin", &args));
    assert!(Eye::start(plane).enforced() > since);
}
