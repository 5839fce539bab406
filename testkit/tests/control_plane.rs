//! The control plane itself: who may do what, tokens, restart, and that nothing is left behind.

use testkit::control_plane::{AuditLevel, ControlPlane, Options, shared};
use testkit::{assets, skip};

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME, namespace: default}\ndata: {a: b}\n";

/// The shared one, or `None` on a machine without Go.
fn plane() -> Option<&'static ControlPlane> {
    skip::unless_missing(assets::ensure()).map(|_| shared())
}

#[test]
fn people_may_do_what_their_groups_allow() {
    let Some(plane) = plane() else { return };
    let manifest = CONFIG_MAP.replace("NAME", "people");
    let refused = plane.try_create("alice", &manifest).expect("kubectl runs");
    assert!(!refused.status.success());
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        message.contains("(Forbidden)") && message.contains("oidc:alice@example.com"),
        "{message}"
    );
    plane.apply("admin", &manifest).expect("an administrator may");

    let who = plane
        .kubectl_as("alice", &["auth", "whoami", "-o", "jsonpath={.status.userInfo}"])
        .expect("an answer");
    for part in [
        "oidc:alice@example.com",
        "uid-alice",
        "\"desk\"",
        "system:authenticated",
    ] {
        assert!(who.contains(part), "{who}");
    }
}

#[test]
fn a_service_account_signs_in_with_a_token_of_its_own() {
    let Some(plane) = plane() else { return };
    plane
        .kubectl_as("admin", &["create", "serviceaccount", "robot"])
        .expect("created");
    let token = plane.service_account_token("default", "robot").expect("a token");
    let kubeconfig = plane.kubeconfig_with_token("robot", &token).expect("written");
    let who = plane
        .kubectl_with(&kubeconfig)
        .args(["auth", "whoami"])
        .output()
        .expect("kubectl runs");
    assert!(
        String::from_utf8_lossy(&who.stdout).contains("system:serviceaccount:default:robot"),
        "{who:?}"
    );
    plane
        .kubeconfig_with_token("alice", &token)
        .expect_err("alice has her own");
}

#[test]
fn data_outlives_a_restart_of_the_api_server() {
    let options = Options {
        audit: Some(AuditLevel::Metadata),
        ..Options::default()
    };
    let Some(plane) = skip::unless_missing(ControlPlane::start(options)) else {
        return;
    };
    plane
        .apply("admin", &CONFIG_MAP.replace("NAME", "kept"))
        .expect("applied");
    let url = plane.api_url();
    plane.stop_api_server().expect("stopped");
    plane
        .kubectl_as("admin", &["get", "configmap", "kept", "--request-timeout=2s"])
        .expect_err("nobody answers");
    plane.start_api_server().expect("started again");
    assert_eq!(plane.api_url(), url);
    plane
        .kubectl_as("admin", &["get", "configmap", "kept"])
        .expect("it is still there");
    assert!(plane.metrics().expect("metrics").contains("apiserver_request_total{"));
    let audit = std::fs::read_to_string(plane.audit_log()).expect("an audit log");
    assert!(audit.contains(r#""resource":"configmaps","namespace":"default","name":"kept""#));
    let dir = plane.dir().to_owned();
    plane.stop().expect("both end when asked");
    drop(plane);
    assert!(!dir.exists(), "the temporary folder is gone");
}

const MUTATING_POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: mark}
spec:
  failurePolicy: Fail
  reinvocationPolicy: IfNeeded
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  mutations:
  - patchType: JSONPatch
    jsonPatch: {expression: '[JSONPatch{op: "add", path: "/data/who", value: request.userInfo.username}]'}
"#;

#[test]
fn an_older_kubernetes_can_be_imitated() {
    let options = Options {
        mutating_admission_policies: false,
        ..Options::default()
    };
    let Some(plane) = skip::unless_missing(ControlPlane::start(options)) else {
        return;
    };
    let refused = plane
        .apply("admin", MUTATING_POLICY)
        .expect_err("this kind is not served")
        .to_string();
    assert!(
        refused.contains("no matches for kind \"MutatingAdmissionPolicy\""),
        "{refused}"
    );
    plane
        .kubectl_as("admin", &["get", "validatingadmissionpolicies"])
        .expect("the other kind is served");
    plane
        .apply("admin", &CONFIG_MAP.replace("NAME", "plain"))
        .expect("nothing waits for the missing kind");

    shared()
        .apply("admin", MUTATING_POLICY)
        .expect("the usual one serves it");
    shared()
        .kubectl_as("admin", &["delete", "mutatingadmissionpolicy", "mark"])
        .expect("deleted");
}
