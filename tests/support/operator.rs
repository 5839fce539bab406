//! The operator's own rights on the test API server: its namespace, a Role and a client that signs in as it.

use kube::config::{KubeConfigOptions, Kubeconfig};
use std::path::PathBuf;
use testkit::control_plane::ControlPlane;

pub const NAMESPACE: &str = "readmit-system";

/// Makes the namespace, and gives the operator these rules (YAML list entries in flow style) and no others in it.
pub fn role(plane: &ControlPlane, rules: &str) {
    let manifests = format!(
        "\
apiVersion: v1
kind: Namespace
metadata: {{name: {NAMESPACE}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: readmit-part, namespace: {NAMESPACE}}}
rules: [{rules}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: readmit-part, namespace: {NAMESPACE}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: readmit-part}}
subjects: [{{kind: ServiceAccount, name: readmit, namespace: {NAMESPACE}}}]
"
    );
    plane.apply("admin", &manifests).expect("RBAC of the operator");
}

/// Signs in as the operator. Without retries, as the operator itself does.
pub async fn client(plane: &ControlPlane) -> kube::Client {
    client_with(plane.kubeconfig("operator")).await
}

/// Signs in by a kubeconfig file, and sends everything once.
pub async fn client_with(kubeconfig: PathBuf) -> kube::Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let mut config = config.expect("a configuration");
    config.default_retry = false;
    kube::Client::try_from(config).expect("a client")
}
