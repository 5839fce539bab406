//! The manifests that the product brings with it, as text: CRDs and admission policies.
//!
//! Whoever applies or compares them takes them from here, so that what is installed, printed, packaged in the chart and
//! expected by the operator cannot differ. Nothing here talks to a server.

use crate::api::schema;

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
