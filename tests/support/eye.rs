//! The operator's eye on the admission policies, running inside the test under the operator's own rights.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use readmit::controller::enforcement::{Settings, run};
use readmit::domain::enforcement::Enforcement;
use testkit::control_plane::ControlPlane;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::operator::client_with;

pub const PATIENCE: Duration = Duration::from_secs(15);
pub const NAMESPACE: &str = "readmit-system";

/// What the operator may do, as far as this part of it is concerned.
pub const RBAC: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: readmit-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: readmit-test}
rules:
- {apiGroups: [admissionregistration.k8s.io], resources: ['*'], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readmit-test}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: readmit-test}
subjects: [{kind: ServiceAccount, name: readmit, namespace: readmit-system}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: readmit-test, namespace: readmit-system}
rules:
- {apiGroups: [''], resources: [configmaps], verbs: [get, create, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readmit-test, namespace: readmit-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: readmit-test}
subjects: [{kind: ServiceAccount, name: readmit, namespace: readmit-system}]
";

/// The part of the operator under test, as one process; dropping it is its end.
pub struct Eye {
    runtime: Runtime,
    receiver: watch::Receiver<Enforcement>,
    pub stop: CancellationToken,
}

impl Eye {
    /// With the token of the operator's service account in the test API server's token file.
    pub fn start(plane: &ControlPlane) -> Self {
        Self::start_with(&plane.kubeconfig("operator"))
    }

    /// With whatever rights this kubeconfig file gives.
    pub fn start_with(kubeconfig: &Path) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let client = runtime.block_on(client_with(kubeconfig.to_owned()));
        let (sender, receiver) = watch::channel(Enforcement::Unknown);
        let settings = Settings {
            namespace: NAMESPACE.into(),
            service_account: "readmit".into(),
            // Long, so that what is seen soon is seen because of a watch.
            recheck: Duration::from_secs(600),
        };
        let stop = CancellationToken::new();
        runtime.spawn(run(client, settings, sender, stop.clone()));
        Self {
            runtime,
            receiver,
            stop,
        }
    }

    /// Waits for a state.
    #[track_caller]
    pub fn wait(&mut self, what: &str, accept: impl Fn(&Enforcement) -> bool) -> Enforcement {
        let found = self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, self.receiver.wait_for(accept))
                .await
                .map(|found| found.map(|f| f.clone()))
        });
        match found {
            Ok(Ok(found)) => found,
            _ => panic!(
                "waited {PATIENCE:?} for {what}, but found {:?}",
                *self.receiver.borrow()
            ),
        }
    }

    #[track_caller]
    pub fn enforced(&mut self) -> Timestamp {
        match self.wait("Enforced", |e| matches!(e, Enforcement::Enforced { .. })) {
            Enforcement::Enforced { since } => since,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub fn broken(&mut self, part: &str) -> String {
        let accept = |e: &Enforcement| matches!(e, Enforcement::Broken { message } if message.contains(part));
        match self.wait(part, accept) {
            Enforcement::Broken { message } => message,
            other => panic!("{other:?}"),
        }
    }
}
