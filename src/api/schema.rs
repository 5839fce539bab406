//! Pieces of CRD schemas that several kinds share, and what the derive macros cannot say: defaults of whole objects.
//!
//! The shapes of the rules were measured on a real API server: a rule a field at `spec` level catches adding, removing
//! and changing alike, and reports every fault at once with the field's path. Each access to a member makes the API server
//! copy the schemas of all its siblings, at each write, statuses included: rules access as few as they can.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
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

const UNCHANGEABLE: &str = "a request cannot be changed; create one with another name";

/// Forbids every change of a field of `spec` that is always there, since it is required or has a default.
pub fn immutable(field: &str) -> Rule {
    forbidding(field, format!("self.{field} == oldSelf.{field}")).message(UNCHANGEABLE)
}

/// Forbids every change of an optional field of `spec`.
pub fn immutable_optional(field: &str) -> Rule {
    forbidding(field, unchanged(field)).message(UNCHANGEABLE)
}

/// Forbids every change of `spec.requester`.
pub fn stamped() -> Rule {
    forbidding("requester", unchanged("requester"))
        .message("spec.requester is written by the API server and never changes; remove it from your manifest")
}

/// That an optional field was neither added nor removed nor changed.
fn unchanged(field: &str) -> String {
    format!("has(self.{field}) ? has(oldSelf.{field}) && self.{field} == oldSelf.{field} : !has(oldSelf.{field})")
}

fn forbidding(field: &str, rule: String) -> Rule {
    Rule::new(rule)
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

/// A Directory that lists locked accounts is named in a label of each, which takes 63 characters.
pub fn listable() -> Rule {
    Rule::new("!has(self.spec.lockouts) || self.metadata.name.size() <= 63")
        .message("a Directory with spec.lockouts has a name of at most 63 characters; give it a shorter one")
        .field_path(".spec.lockouts")
}

/// A source leads to another Directory than its own.
pub fn leads_elsewhere() -> Rule {
    Rule::new("!has(self.spec.sources) || self.spec.sources.all(source, source.directory != self.metadata.name)")
        .message("a source leads to another Directory than its own; name the one where the credentials live")
        .field_path(".spec.sources")
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

/// A span must lie above zero and be at most 720h, the longest time that a ledger remembers.
pub fn within_memory() -> Rule {
    Rule::new("duration(self) > duration('0s') && duration(self) <= duration('720h')")
        .message("must be longer than 0s and at most 720h")
}

/// The schema of a label selector, with the bounds that Kubernetes' own lacks.
pub fn label_selector(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "matchLabels": {
                "description": "Labels that the namespace must have.",
                "type": "object",
                "maxProperties": 32,
                "additionalProperties": {"type": "string", "maxLength": 63},
            },
            "matchExpressions": {
                "description": "Requirements on labels. All must be true.",
                "type": "array",
                "maxItems": 32,
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {"description": "The label's key.", "type": "string", "maxLength": 317},
                        "operator": {
                            "description": "How the label's value relates to `values`.",
                            "type": "string",
                            "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                        },
                        "values": {
                            "description": "For In and NotIn: the values.",
                            "type": "array",
                            "maxItems": 64,
                            "x-kubernetes-list-type": "atomic",
                            "items": {"type": "string", "maxLength": 63},
                        },
                    },
                },
            },
        },
        "x-kubernetes-map-type": "atomic",
    })
}

fn root(crd: &mut CustomResourceDefinition) -> impl Iterator<Item = &mut JSONSchemaProps> {
    let versions = crd.spec.versions.iter_mut();
    versions.filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut())
}

/// Takes out what the derive macros say and the API server must not hear: `nullable`, since an explicit null would
/// count as a value in rules that ask `has()`, and formats that OpenAPI does not know.
fn tidy(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    if schema
        .format
        .as_deref()
        .is_some_and(|format| format.starts_with("uint"))
    {
        schema.format = None;
    }
    schema
        .properties
        .iter_mut()
        .flat_map(|all| all.values_mut())
        .for_each(tidy);
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        tidy(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        tidy(values);
    }
}

fn kind<K: CustomResourceExt>() -> CustomResourceDefinition {
    let mut crd = K::crd();
    root(&mut crd).for_each(tidy);
    crd
}

/// The CRD of a request kind: with `status.observedGeneration: -1` by default, kstatus shows a request that nobody has
/// looked at yet as in progress, without a write.
fn request<K: CustomResourceExt>() -> CustomResourceDefinition {
    let mut crd = kind::<K>();
    for schema in root(&mut crd) {
        if let Some(status) = schema.properties.as_mut().and_then(|all| all.get_mut("status")) {
            status.default = Some(JSON(serde_json::json!({"observedGeneration": -1})));
        }
    }
    crd
}

/// Every CRD of the product, in the order in which they are documented.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![
        kind::<super::Directory>(),
        kind::<super::AccountPolicy>(),
        kind::<super::Account>(),
        request::<super::AccountUnlockRequest>(),
        request::<super::PasswordResetRequest>(),
    ]
}
