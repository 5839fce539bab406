//! The chart, rendered and installed by helm on a real API server, and the rights that it gives.

mod support;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use support::eye::Eye;
use support::helm::Helm;
use support::stage::Operator;
use support::{api, kubectl, refused_with, success, unlock, watch, with_input};
use testkit::control_plane::{ControlPlane, Options};
use testkit::{assets, skip, wait};

const OPERATOR: &str = "readmit-system";
const PATIENCE: Duration = Duration::from_secs(30);

/// A control plane with the release installed, and the kubeconfig of its service account by a real token.
struct Installed {
    plane: ControlPlane,
    helm: Helm,
    operator: PathBuf,
}

fn install(options: Options, args: &[&str]) -> Option<Installed> {
    let helm = Helm::new()?;
    skip::unless_missing(assets::ensure())?;
    let plane = ControlPlane::start(options).expect("start the control plane");
    plane.apply("admin", NAMESPACE).expect("the namespace");
    success(&helm.release(&plane, "install", args));
    let token = plane.service_account_token(OPERATOR, "readmit").expect("a token");
    let operator = plane.kubeconfig_with_token("chart", &token).expect("a kubeconfig");
    Some(Installed { plane, helm, operator })
}

/// Only pods that keep to the strictest standard are let in.
const NAMESPACE: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: readmit-system, labels: {pod-security.kubernetes.io/enforce: restricted}}
";

fn installed() -> Option<&'static Installed> {
    static INSTALLED: OnceLock<Option<Installed>> = OnceLock::new();
    INSTALLED
        .get_or_init(|| install(Options::default(), &["--set", "sandbox.enabled=true"]))
        .as_ref()
}

#[test]
fn the_operator_finds_its_policies_in_force() {
    let Some(it) = installed() else { return };
    Eye::start_with(&it.operator).enforced();
}

/// `resource` may end with a name or with `/status`.
fn can_i(kubectl: &mut Command, verb: &str, resource: &str, namespace: &str) -> bool {
    kubectl.args(["auth", "can-i", "--quiet", verb, "--namespace", namespace]);
    match resource.strip_suffix("/status") {
        Some(resource) => kubectl.args([resource, "--subresource=status"]),
        None => kubectl.arg(resource),
    };
    kubectl.output().expect("run kubectl").status.success()
}

#[test]
fn the_operator_may_do_what_it_must_and_no_more() {
    let Some(it) = installed() else { return };
    let can = |verb: &str, resource: &str, namespace: &str| {
        let mut kubectl = it.plane.kubectl_with(&it.operator);
        can_i(&mut kubectl, verb, resource, namespace)
    };
    for (verbs, resource, namespace) in [
        ("get list watch delete", "accountunlockrequests.readmit.dev", "default"),
        ("get list watch delete", "passwordresetrequests.readmit.dev", "default"),
        ("patch", "accountunlockrequests.readmit.dev/status", "default"),
        ("patch", "passwordresetrequests.readmit.dev/status", "default"),
        ("patch", "directories.readmit.dev/status", "default"),
        ("patch", "accountpolicies.readmit.dev/status", "default"),
        ("get list watch", "directories.readmit.dev", "default"),
        ("get list watch", "accountpolicies.readmit.dev", "default"),
        ("get list watch create update delete", "accounts.readmit.dev", "default"),
        ("get list watch", "namespaces", "default"),
        (
            "get list watch",
            "mutatingadmissionpolicies.admissionregistration.k8s.io",
            "default",
        ),
        (
            "get list watch",
            "validatingadmissionpolicybindings.admissionregistration.k8s.io",
            "default",
        ),
        ("create", "subjectaccessreviews.authorization.k8s.io", "default"),
        ("create patch", "events.events.k8s.io", "default"),
        ("get list create delete", "secrets", OPERATOR),
        ("create", "configmaps", OPERATOR),
        ("get update", "configmaps/readmit-enforcement", OPERATOR),
        ("get create update", "leases.coordination.k8s.io", OPERATOR),
    ] {
        for verb in verbs.split(' ') {
            assert!(
                can(verb, resource, namespace),
                "the operator must be able to {verb} {resource} in {namespace}"
            );
        }
    }
    for (verbs, resource, namespace) in [
        ("create update patch", "accountunlockrequests.readmit.dev", "default"),
        ("create update patch delete", "directories.readmit.dev", "default"),
        (
            "create update patch delete use",
            "accountpolicies.readmit.dev",
            "default",
        ),
        ("restore patch", "accounts.readmit.dev", "default"),
        ("get list watch create", "secrets", "default"),
        ("update patch watch", "secrets", OPERATOR),
        ("get update", "configmaps/other", OPERATOR),
        ("list delete", "configmaps", OPERATOR),
        ("create get list", "pods", OPERATOR),
        (
            "update patch delete create",
            "validatingadmissionpolicies.admissionregistration.k8s.io",
            "default",
        ),
        (
            "update patch delete create",
            "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
            "default",
        ),
        ("impersonate", "users", "default"),
        (
            "create bind escalate",
            "clusterroles.rbac.authorization.k8s.io",
            "default",
        ),
        (
            "get update",
            "customresourcedefinitions.apiextensions.k8s.io",
            "default",
        ),
    ] {
        for verb in verbs.split(' ') {
            assert!(
                !can(verb, resource, namespace),
                "the operator must not be able to {verb} {resource} in {namespace}"
            );
        }
    }
}

/// The rules of a role, in an order of their own.
fn rules(plane: &ControlPlane, kind: &str) -> Vec<String> {
    let args = ["get", kind, "readmit-operator", "--namespace", OPERATOR, "-o", "json"];
    let role: Value = serde_json::from_str(&success(&kubectl(plane, "admin", &args))).expect("JSON");
    let mut rules: Vec<String> = Vec::new();
    for rule in role["rules"].as_array().expect("rules") {
        let words = |key: &str| rule[key].as_array().cloned().unwrap_or_default();
        for resource in words("resources") {
            for verb in words("verbs") {
                rules.push(format!(
                    "{} {resource} {verb} {:?}",
                    rule["apiGroups"],
                    words("resourceNames")
                ));
            }
        }
    }
    rules.sort();
    rules
}

#[test]
fn other_tests_and_the_demo_give_the_operator_the_same_rights() {
    let Some(it) = installed() else { return };
    let plane = ControlPlane::start(Options::default()).expect("start the control plane");
    plane
        .apply("admin", include_str!("support/operator-rights.yaml"))
        .expect("RBAC");
    for kind in ["clusterrole", "role"] {
        assert_eq!(rules(&plane, kind), rules(&it.plane, kind), "{kind}");
    }
}

#[test]
fn the_operator_unlocks_an_account_with_nothing_but_the_charts_rights() {
    let Some(it) = install(Options::default(), &[]) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let okta = runtime
        .block_on(sandbox::Sandbox::start(sandbox::Options::default()))
        .expect("the sandbox starts");
    let token = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "okta", "namespace": OPERATOR},
        "stringData": {"token": sandbox::HELP_DESK_TOKEN},
    });
    let directory = json!({
        "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": "okta"},
        "spec": {"provider": {"okta": {"url": okta.addresses().http, "tokenSecretRef": {"name": "okta"}}}},
    });
    let policy = json!({
        "apiVersion": "readmit.dev/v1alpha1", "kind": "AccountPolicy", "metadata": {"name": "desk"},
        "spec": {"actions": ["Unlock"], "directories": ["okta"]},
    });
    let manifests = [token, directory, policy].map(|manifest| manifest.to_string());
    it.plane.apply("admin", &manifests.join("\n---\n")).expect("applied");
    let operator = Operator::start_with(&it.operator, &[]);
    operator.wait_ready();
    support::stage::wait_trusted(&it.plane);
    // The admin may use every policy and is nobody's account.
    let request = unlock("from-chart", "");
    let created = wait::until_ok("the request to be taken in", PATIENCE, || {
        api::create(&it.plane, "admin", &request).map_err(anyhow::Error::msg)
    });
    created.expect("created");
    let (place, awaited) = (("aur", "default", "from-chart"), ("the request to end", PATIENCE));
    let ended = watch::one(&it.plane, place, awaited, |request| {
        request["status"]["outcome"].is_string().then(|| request.clone())
    });
    let request = ended.unwrap_or_else(|error| panic!("{error}\n{}", operator.tail()));
    assert_eq!(request["status"]["outcome"], "Succeeded", "{request:#}");
    assert_eq!(
        support::stage::ready(&request["status"])["reason"],
        "Unlocked",
        "{request:#}"
    );
    let alice = okta.account("alice@example.com").expect("alice");
    assert_eq!(alice.status, sandbox::Status::Active);
    operator.terminate();
    let log = operator.log();
    assert!(!log.to_lowercase().contains("forbidden"), "a right is missing: {log}");
}

/// As the chart's notes say it.
const USE_DESK: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: readmit-use-desk}
rules:
- {apiGroups: [readmit.dev], resources: [accountpolicies], resourceNames: [desk], verbs: [use]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readmit-use-desk}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: readmit-use-desk}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: desk}]
";

#[test]
fn people_get_what_their_role_says() {
    let Some(it) = installed() else { return };
    let bind = |kind: &str, args: &[&str]| {
        let mut all = vec!["create", kind];
        all.extend(args);
        success(&kubectl(&it.plane, "admin", &all));
    };
    bind(
        "rolebinding",
        &[
            "desk",
            "--namespace=default",
            "--clusterrole=readmit-requester",
            "--group=desk",
        ],
    );
    bind(
        "clusterrolebinding",
        &["look", "--clusterrole=readmit-viewer", "--group=viewers"],
    );
    it.plane.apply("admin", USE_DESK).expect("the verb use");
    let can = |person: &str, verb: &str, resource: &str, namespace: &str| {
        can_i(&mut it.plane.kubectl(person), verb, resource, namespace)
    };
    let asked = wait::until_ok("RBAC to be obeyed", Duration::from_secs(10), || {
        api::create(&it.plane, "alice", &unlock("from-desk", "")).map_err(anyhow::Error::msg)
    });
    asked.expect("the desk may ask");
    for verb in ["create", "get", "list", "watch", "delete"] {
        for resource in ["accountunlockrequests.readmit.dev", "passwordresetrequests.readmit.dev"] {
            assert!(can("alice", verb, resource, "default"), "{verb} {resource}");
            assert!(
                !can("alice", verb, resource, "kube-system"),
                "{verb} {resource} elsewhere"
            );
        }
    }
    assert!(can("alice", "use", "accountpolicies.readmit.dev/desk", "default"));
    assert!(!can("alice", "use", "accountpolicies.readmit.dev/other", "default"));
    assert!(!can("alice", "list", "accounts.readmit.dev", "default"));
    assert!(!can(
        "alice",
        "patch",
        "accountunlockrequests.readmit.dev/status",
        "default"
    ));
    assert!(can("viewer", "list", "accounts.readmit.dev", "default"));
    assert!(can(
        "viewer",
        "list",
        "passwordresetrequests.readmit.dev",
        "kube-system"
    ));
    assert!(!can("viewer", "create", "accountunlockrequests.readmit.dev", "default"));
    assert!(!can("mallory", "list", "accountunlockrequests.readmit.dev", "default"));
}

#[test]
fn the_pods_keep_to_the_strictest_standard() {
    let Some(it) = installed() else { return };
    for deployment in ["readmit", "readmit-sandbox"] {
        let args = ["get", "deployment", deployment, "--namespace", OPERATOR, "-o", "json"];
        let found: Value = serde_json::from_str(&success(&kubectl(&it.plane, "admin", &args))).expect("JSON");
        let spec = found["spec"]["template"]["spec"].clone();
        let container = &spec["containers"][0];
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], json!(true));
        assert!(spec["securityContext"]["runAsUser"].as_i64() >= Some(10_000));
        let pod = |spec: &Value| {
            let metadata = json!({"name": deployment, "namespace": OPERATOR});
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}).to_string()
        };
        let create = ["create", "--dry-run=server", "-f", "-"];
        success(&with_input(&it.plane, "admin", &create, &pod(&spec)));
        // That the namespace would refuse another one.
        let mut loose = spec.clone();
        loose["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
        refused_with(
            &with_input(&it.plane, "admin", &create, &pod(&loose)),
            &["violates PodSecurity"],
        );
    }
}

#[test]
fn the_sandbox_speaks_tls_with_a_certificate_for_its_service() {
    let Some(it) = installed() else { return };
    let secret = [
        "get",
        "secret",
        "readmit-sandbox",
        "--namespace",
        OPERATOR,
        "-o",
        "jsonpath={.data}",
    ];
    let before = success(&kubectl(&it.plane, "admin", &secret));
    let data: Value = serde_json::from_str(&before).expect("JSON");
    for key in ["ca.crt", "tls.crt", "tls.key", "token"] {
        assert!(data[key].as_str().is_some_and(|text| text.len() > 40), "{key}");
    }
    success(
        &it.helm
            .release(&it.plane, "upgrade", &["--set", "sandbox.enabled=true"]),
    );
    assert_eq!(
        success(&kubectl(&it.plane, "admin", &secret)),
        before,
        "an upgrade keeps them"
    );
}

#[test]
fn an_upgrade_leaves_no_gap_and_uninstalling_keeps_the_crds() {
    let Some(it) = install(Options::default(), &[]) else {
        return;
    };
    let since = Eye::start_with(&it.operator).enforced();
    // The record knows whole seconds.
    let next = since + jiff::SignedDuration::from_millis(1_050);
    std::thread::sleep(
        next.duration_since(jiff::Timestamp::now())
            .try_into()
            .unwrap_or_default(),
    );
    success(&it.helm.release(
        &it.plane,
        "upgrade",
        &["--set", "replicas=1", "--set", "metrics.service.enabled=true"],
    ));
    assert_eq!(Eye::start_with(&it.operator).enforced(), since);
    success(&it.helm.uninstall(&it.plane));
    let crds = success(&kubectl(&it.plane, "admin", &["get", "crd", "-o", "name"]));
    assert_eq!(crds.lines().count(), 5, "{crds}");
    let policies = [
        "get",
        "validatingadmissionpolicies,mutatingadmissionpolicies",
        "-o",
        "name",
    ];
    assert_eq!(success(&kubectl(&it.plane, "admin", &policies)), "");
    success(&it.helm.release(&it.plane, "install", &[]));
}

#[test]
fn older_kubernetes_gets_no_mutating_policy() {
    let options = Options {
        mutating_admission_policies: false,
        ..Options::default()
    };
    let Some(it) = install(options, &[]) else { return };
    let policies = success(&kubectl(
        &it.plane,
        "admin",
        &["get", "validatingadmissionpolicies", "-o", "name"],
    ));
    assert_eq!(policies.lines().count(), 2, "{policies}");
    Eye::start_with(&it.operator).enforced();
}

#[test]
fn bad_values_are_refused() {
    let Some(helm) = Helm::new() else { return };
    success(&helm.template(&[]));
    for (value, part) in [
        ("replicas=-1", "replicas"),
        ("image.digest=abc", "digest"),
        ("replica=2", "replica"),
        ("crds.enabled=maybe", "enabled"),
        ("serviceAccount.name=Not_A_Name", "name"),
    ] {
        refused_with(
            &helm.template(&["--set", value]),
            &["values don't meet the specifications", part],
        );
    }
}

#[test]
fn values_do_what_they_say() {
    let Some(helm) = Helm::new() else { return };
    let render = |args: &[&str]| success(&helm.template(args));
    let full = render(&["--namespace", "identity", "--set", "serviceAccount.name=unlocker"]);
    assert!(full.contains(r#"request.userInfo.username == "system:serviceaccount:identity:unlocker""#));
    assert_eq!(full.matches("kind: CustomResourceDefinition").count(), 5);
    assert_eq!(full.matches("helm.sh/resource-policy: keep").count(), 5);
    assert!(!full.contains("readmit-sandbox"));
    let bare = render(&["--set", "crds.enabled=false,admission.enabled=false,rbac.roles=false"]);
    for absent in [
        "CustomResourceDefinition",
        "AdmissionPolicy\n",
        "readmit-requester",
        "readmit-viewer",
    ] {
        assert!(!bare.contains(absent), "{absent}");
    }
    let digest = format!("image.digest=sha256:{}", "0".repeat(64));
    assert!(render(&["--set", &digest]).contains("image: readmit@sha256:000"));
}
