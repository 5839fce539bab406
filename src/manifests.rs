//! The manifests that the product brings with it, as text: CRDs and admission policies.
//!
//! Whoever applies or compares them takes them from here, so that what is installed, printed, packaged in the chart and
//! expected by the operator cannot differ. Nothing here talks to a server.

use crate::{api::schema, domain::enforcement::Expected};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// One CRD as a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrdFile {
    /// The file's name, for example `accounts.yaml`.
    pub name: String,
    /// The YAML text of one CustomResourceDefinition.
    pub yaml: String,
}

/// Every CRD of the product, one file a kind, in the order in which they are documented.
///
/// # Errors
/// When a CRD cannot be written as YAML, which is a fault of this program.
pub fn crds_yaml() -> Result<Vec<CrdFile>, serde_saphyr::ser::Error> {
    schema::crds()
        .into_iter()
        .map(|crd| {
            Ok(CrdFile {
                name: format!("{}.yaml", crd.spec.names.plural),
                yaml: serde_saphyr::to_string(&crd)?,
            })
        })
        .collect()
}

/// The service account that the files under `admission/` name.
const DEFAULT_OPERATOR: &str = "system:serviceaccount:readmit-system:readmit";

const STAMP: &str = include_str!("../admission/stamp.yaml");
const REQUESTS: &str = include_str!("../admission/requests.yaml");
const OPERATOR_ONLY: &str = include_str!("../admission/operator-only.yaml");

/// The admission policies and their bindings for Kubernetes 1.36 and later, as one YAML text of several documents, for
/// an operator that runs under this service account.
pub fn admission_yaml(namespace: &str, service_account: &str) -> String {
    render(&[STAMP, REQUESTS, OPERATOR_ONLY], namespace, service_account)
}

/// As [`admission_yaml`], for Kubernetes 1.33 to 1.35: without what needs MutatingAdmissionPolicy v1. Manifests then
/// have to name their author.
pub fn admission_yaml_without_stamp(namespace: &str, service_account: &str) -> String {
    render(&[REQUESTS, OPERATOR_ONLY], namespace, service_account)
}

fn render(files: &[&str], namespace: &str, service_account: &str) -> String {
    let operator = format!("system:serviceaccount:{namespace}:{service_account}");
    files.join("---\n").replace(DEFAULT_OPERATOR, &operator)
}

/// What the operator expects to find installed, with the command that prints it and the version's hash.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedAdmission {
    /// Policies and bindings, in the order of the manifests.
    pub objects: Vec<Expected>,
    /// The command that prints the manifests.
    pub command: &'static str,
    /// Tells one version of the manifests from another, whatever the operator's service account is called.
    pub version: String,
}

/// The versions (see [`ExpectedAdmission::version`]) of earlier releases, from which an upgrade in one step leaves no gap
/// in enforcement. There is no release before this one.
pub const EARLIER_VERSIONS: &[&str] = &[];

/// What has to be installed on an API server that knows MutatingAdmissionPolicy v1 (`stamp`) or does not.
///
/// # Errors
/// When the embedded manifests, or the names put into them, do not make good YAML.
pub fn expected_admission(
    namespace: &str,
    service_account: &str,
    stamp: bool,
) -> Result<ExpectedAdmission, serde_saphyr::Error> {
    let (files, command): (&[&str], _) = match stamp {
        true => (&[STAMP, REQUESTS, OPERATOR_ONLY], "readmit admission"),
        false => (&[REQUESTS, OPERATOR_ONLY], "readmit admission --without-stamp"),
    };
    let objects: Vec<Document> = serde_saphyr::from_multiple(&render(files, namespace, service_account))?;
    let version = Sha256::digest(files.join("---\n"));
    Ok(ExpectedAdmission {
        objects: objects.into_iter().map(Document::expected).collect(),
        command,
        version: data_encoding::HEXLOWER.encode(&version),
    })
}

#[derive(Deserialize)]
struct Document {
    kind: String,
    metadata: Metadata,
    spec: Value,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

impl Document {
    fn expected(self) -> Expected {
        Expected::new(&self.kind, &self.metadata.name, self.spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_is_the_one_that_is_really_used() {
        let yaml = admission_yaml("identity", "unlocker");
        assert!(yaml.contains(r#"request.userInfo.username == "system:serviceaccount:identity:unlocker""#));
        assert!(!yaml.contains("readmit-system"));
        assert_eq!(yaml.matches("\nkind: ").count(), 8);
    }

    #[test]
    fn older_servers_get_no_mutating_policy() {
        let yaml = admission_yaml_without_stamp("readmit-system", "readmit");
        assert!(!yaml.contains("MutatingAdmission"));
        assert_eq!(yaml.matches("\nkind: ").count(), 4);
    }
}
