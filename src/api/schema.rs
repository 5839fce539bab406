//! Pieces of CRD schemas that several kinds share, and what the derive macros cannot say: defaults of whole objects.
//!
//! The shapes of the rules were measured on a real API server: a rule a field at `spec` level catches adding, removing
//! and changing alike, and reports every fault at once with the field's path.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSON};
use kube::{
    CustomResourceExt,
    core::{Message, Rule},
};
use schemars::{Schema, SchemaGenerator, json_schema};

/// The schema of an RFC 3339 time.
pub fn date_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}

/// As [`date_time`], for a field that may be absent.
pub fn optional_date_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}

/// Forbids every change of an optional field of `spec`.
pub fn immutable(field: &str) -> Rule {
    transition(field).message("a request cannot be changed; create one with another name")
}

/// Forbids every change of `spec.requester`.
pub fn stamped() -> Rule {
    transition("requester")
        .message("spec.requester is written by the API server and never changes; remove it from your manifest")
}

fn transition(field: &str) -> Rule {
    Rule::new(format!(
        "has(self.{field}) ? has(oldSelf.{field}) && self.{field} == oldSelf.{field} : !has(oldSelf.{field})"
    ))
    .field_path(format!(".{field}"))
    .reason(kube::core::Reason::FieldValueForbidden)
}

/// Once a request has an outcome, its status never changes.
pub fn terminal_status() -> Rule {
    Rule::new(
        "!has(oldSelf.status) || !has(oldSelf.status.outcome) || (has(self.status) && self.status == oldSelf.status)",
    )
    .message("a finished request never changes")
    .field_path(".status")
    .reason(kube::core::Reason::FieldValueForbidden)
}

/// `spec.notAfter` must lie after `spec.notBefore`.
pub fn window() -> Rule {
    Rule::new("!has(self.notBefore) || !has(self.notAfter) || timestamp(self.notBefore) < timestamp(self.notAfter)")
        .message("notAfter must be later than notBefore")
        .field_path(".notAfter")
}

/// Exactly one of these optional members must be there.
pub fn exactly_one_of(members: &[&str]) -> Rule {
    let list = members
        .iter()
        .map(|member| format!("has(self.{member})"))
        .collect::<Vec<_>>()
        .join(", ");
    Rule::new(format!("[{list}].filter(x, x).size() == 1"))
        .message(Message::Message(format!("set exactly one of {}", members.join(", "))))
}

/// The CRD of a request kind: with `status.observedGeneration: -1` by default, kstatus shows a request that nobody has
/// looked at yet as in progress, without a write.
fn request<K: CustomResourceExt>() -> CustomResourceDefinition {
    let mut crd = K::crd();
    for version in &mut crd.spec.versions {
        let status = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
            .and_then(|schema| schema.properties.as_mut())
            .and_then(|properties| properties.get_mut("status"));
        if let Some(status) = status {
            status.default = Some(JSON(serde_json::json!({"observedGeneration": -1})));
        }
    }
    crd
}

/// Every CRD of the product, in the order in which they are documented.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![
        super::Directory::crd(),
        super::AccountPolicy::crd(),
        super::Account::crd(),
        request::<super::AccountUnlockRequest>(),
        request::<super::PasswordResetRequest>(),
    ]
}
