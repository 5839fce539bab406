//! The command lines of etcd and kube-apiserver, and the files that they name.

use std::path::Path;

use anyhow::Result;

use super::{AuditLevel, ControlPlane, Options};
use crate::tls;

pub(super) fn etcd(plane: &ControlPlane) -> Vec<String> {
    let client = plane.etcd_url();
    let peer = format!("http://127.0.0.1:{}", plane.ports.etcd_peer);
    vec![
        "--name=test".into(),
        format!("--data-dir={}", plane.etcd_data_dir().display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=test={peer}"),
        "--log-level=warn".into(),
        // Nobody mourns this data, and the disk is the slowest part of a test machine.
        "--unsafe-no-fsync".into(),
    ]
}

pub(super) fn api_server(plane: &ControlPlane) -> Vec<String> {
    let file = |name: &str| plane.dir.join(name).display().to_string();
    let mut flags = vec![
        format!("--etcd-servers={}", plane.etcd_url()),
        "--bind-address=127.0.0.1".into(),
        "--advertise-address=127.0.0.1".into(),
        format!("--secure-port={}", plane.ports.api),
        format!("--cert-dir={}", file("certificates")),
        format!("--tls-cert-file={}", plane.identity.certificate.display()),
        format!("--tls-private-key-file={}", plane.identity.key.display()),
        "--service-cluster-ip-range=10.96.0.0/24".into(),
        format!("--service-account-issuer={}", plane.api_url()),
        format!("--service-account-key-file={}", file("service-account.pub")),
        format!("--service-account-signing-key-file={}", file("service-account.key")),
        format!("--token-auth-file={}", file("tokens.csv")),
        "--authorization-mode=RBAC".into(),
    ];
    // No controller makes the `default` ServiceAccount that the plugin ServiceAccount waits for.
    let mut disabled = vec!["ServiceAccount"];
    if !plane.options.mutating_admission_policies {
        disabled.push("MutatingAdmissionPolicy");
        let group = "admissionregistration.k8s.io/v1";
        flags.push(format!(
            "--runtime-config={group}/mutatingadmissionpolicies=false,{group}/mutatingadmissionpolicybindings=false"
        ));
    }
    flags.push(format!("--disable-admission-plugins={}", disabled.join(",")));
    if plane.options.audit.is_some() {
        flags.push(format!("--audit-log-path={}", plane.audit_log().display()));
        flags.push(format!("--audit-policy-file={}", file("audit-policy.yaml")));
    }
    flags.extend(plane.options.api_server_flags.iter().cloned());
    flags
}

pub(super) fn write_audit_policy(options: &Options, dir: &Path) -> Result<()> {
    let level = match options.audit {
        None => return Ok(()),
        Some(AuditLevel::Metadata) => "Metadata",
        Some(AuditLevel::RequestResponse) => "RequestResponse",
    };
    // One event a request, when it is answered.
    let policy = format!(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived, ResponseStarted]\nrules: [{{level: {level}}}]\n"
    );
    tls::write(&dir.join("audit-policy.yaml"), &policy)
}
