//! What tests on the real API server share: a control plane with the product's manifests, a client and watches of this
//! process, and kubectl with its texts.
//! No test's own subject belongs here.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod api;
pub mod domain;
pub mod eye;
pub mod helm;
pub mod lab;
pub mod ldap;
pub mod operator;
pub mod org;
pub mod stage;
pub mod watch;

use std::process::Output;
use std::sync::Once;
use std::time::Duration;

use serde_json::Value;
use testkit::control_plane::{self, ControlPlane};
use testkit::{assets, skip, wait};

/// The control plane of this test program with the CRDs installed; `None` where this machine cannot have one.
pub fn with_crds() -> Option<&'static ControlPlane> {
    static INSTALLED: Once = Once::new();
    skip::unless_missing(assets::ensure())?;
    let plane = control_plane::shared();
    INSTALLED.call_once(|| install_crds(plane));
    Some(plane)
}

/// Applies the CRDs and waits until they are served.
pub fn install_crds(plane: &ControlPlane) {
    plane.apply("admin", &crds()).expect("the API server accepts the CRDs");
    let wait = ["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"];
    plane.kubectl_as("admin", &wait).expect("the CRDs are established");
}

/// Every CRD as one text.
pub fn crds() -> String {
    let files = readmit::manifests::crds_yaml().expect("CRDs as YAML");
    files.iter().map(|file| format!("---\n{}", file.yaml)).collect()
}

/// Lets everybody who is signed in do everything with requests, as far as RBAC is concerned, and look at the rest.
pub fn open_rbac(plane: &ControlPlane) {
    let rules = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: test-everything}
rules:
- {apiGroups: [readmit.dev], resources: [accountunlockrequests, passwordresetrequests, directories, accountpolicies, accounts], verbs: [create, get, list, watch, update, patch, delete, deletecollection]}
- {apiGroups: [readmit.dev], resources: ['*/status'], verbs: [get, update, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: test-everything}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: test-everything}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:authenticated'}]
";
    plane.apply("admin", rules).expect("RBAC");
}

/// An AccountUnlockRequest for alice in namespace default; `more` goes into its spec.
pub fn unlock(name: &str, more: &str) -> String {
    let separator = if more.is_empty() { "" } else { ", " };
    format!(
        "apiVersion: readmit.dev/v1alpha1\nkind: AccountUnlockRequest\nmetadata: {{name: {name}, namespace: default}}\n\
         spec: {{directory: okta, account: {{login: alice@example.com}}{separator}{more}}}\n"
    )
}

/// Runs kubectl; the caller looks at status and texts.
pub fn kubectl(plane: &ControlPlane, person: &str, args: &[&str]) -> Output {
    plane.kubectl(person).args(args).output().expect("run kubectl")
}

/// What a command that must fail said on its standard error.
#[track_caller]
pub fn refusal(output: &Output) -> String {
    let (stdout, stderr) = texts(output);
    assert!(!output.status.success(), "it must be refused, but: {stdout}{stderr}");
    stderr
}

/// What a command that must succeed said on its standard output.
#[track_caller]
pub fn success(output: &Output) -> String {
    let (stdout, stderr) = texts(output);
    assert!(output.status.success(), "{stdout}{stderr}");
    stdout
}

/// Asserts that a command failed, and that its message holds each of these parts.
#[track_caller]
pub fn refused_with(output: &Output, parts: &[&str]) {
    let text = refusal(output);
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Applies the admission policies for the operator's usual service account and waits until the API server obeys them.
pub fn install_policies(plane: &ControlPlane, stamp: bool) {
    let (namespace, account) = ("readmit-system", "readmit");
    let yaml = if stamp {
        readmit::manifests::admission_yaml(namespace, account)
    } else {
        readmit::manifests::admission_yaml_without_stamp(namespace, account)
    };
    plane
        .apply("admin", &format!("{yaml}---\n{PROBER}"))
        .expect("the API server accepts the policies, and the rights of who tries them");
    wait::until_ok("the admission policies to be obeyed", Duration::from_secs(30), || {
        let request = dry_run(plane, &unlock("probe", ""));
        let obeyed = match &request {
            Ok(request) => stamp && request["spec"]["requester"]["username"] == "prober",
            Err(error) => !stamp && error.contains("spec.requester must say"),
        };
        anyhow::ensure!(obeyed, "a request: {request:?}");
        let account = dry_run(plane, ACCOUNT);
        let closed = matches!(&account, Err(error) if error.contains("written by the operator only"));
        anyhow::ensure!(closed, "an Account: {account:?}");
        Ok(())
    })
    .expect("the policies are obeyed");
}

/// An Account.
pub const ACCOUNT: &str = "\
apiVersion: readmit.dev/v1alpha1
kind: Account
metadata: {name: okta-probe}
provider: okta
upstream: org
id: 00u1
";

/// Somebody of their own who tries whether the policies are obeyed: nobody whose rights a test is about.
const PROBER: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: test-prober}
rules:
- {apiGroups: [readmit.dev], resources: [accountunlockrequests, accounts], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: test-prober}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: test-prober}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: prober}]
";

fn dry_run(plane: &ControlPlane, manifest: &str) -> Result<Value, String> {
    api::dry_run(plane, ("admin", Some("prober")), manifest)
}

/// Runs kubectl with a manifest as its standard input.
pub fn with_input(plane: &ControlPlane, person: &str, args: &[&str], input: &str) -> Output {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), input).expect("written");
    let stdin = std::fs::File::open(file.path()).expect("opened");
    plane
        .kubectl(person)
        .args(args)
        .stdin(stdin)
        .output()
        .expect("run kubectl")
}
