//! Okta's own OpenAPI document as a contract for requests and responses.
//!
//! The document comes from the Go module `github.com/okta/okta-sdk-golang/v5`, which the Go client fetches and keeps;
//! nothing of it stands in this repository. OpenAPI 3.0 schemas are turned into JSON Schema 2020-12, and made stricter
//! than Okta writes them: an object may have no member that its schema does not declare.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Map, Value, json};

const MODULE: &str = "github.com/okta/okta-sdk-golang/v5@v5.0.2";

/// Query parameters of newer versions of the document, by path, which the pinned one does not have.
const NEWER_PARAMETERS: [(&str, &[&str]); 4] = [
    ("/api/v1/users", &["fields", "expand"]),
    ("/api/v1/users/{userId}/sessions", &["forgetDevices"]),
    ("/api/v1/users/{userId}/lifecycle/activate", &[]),
    ("/api/v1/users/{userId}/lifecycle/deactivate", &[]),
];

/// The parsed document with compiled schemas.
pub(crate) struct Contract {
    document: Value,
    compiled: Mutex<HashMap<String, Arc<jsonschema::Validator>>>,
}

/// An operation of the document.
pub(crate) struct Operation<'a> {
    path: &'a str,
    definition: &'a Value,
}

/// The contract, read once a process.
pub(crate) fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let path = Path::new(&module_directory()).join("okta/api/openapi.yaml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let options = serde_saphyr::options! { budget: None };
        let document = serde_saphyr::from_str_with_options(&text, options).expect("Okta's OpenAPI document is YAML");
        Contract {
            document,
            compiled: Mutex::default(),
        }
    })
}

fn module_directory() -> String {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let output = Command::new("go")
        .args(["mod", "download", "-json", MODULE])
        .current_dir(&scratch)
        .output()
        .unwrap_or_else(|error| {
            panic!("cannot run `go` ({error}): install Go 1.21 or newer, for example `apt-get install golang-go`")
        });
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "`go mod download {MODULE}` failed, is a module proxy reachable? {text} {complaint}"
    );
    let facts: Value = serde_json::from_str(&text).expect("`go mod download -json` prints JSON");
    facts["Dir"].as_str().expect("the module's directory").to_owned()
}

impl Contract {
    /// The operation for a method and a path, literal segments first.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let paths = self.document["paths"]
            .as_object()
            .expect("an OpenAPI document has paths");
        let fits = |template: &str| {
            template.split('/').count() == path.split('/').count()
                && template
                    .split('/')
                    .zip(path.split('/'))
                    .all(|(t, p)| t == p || t.starts_with('{'))
        };
        paths
            .iter()
            .filter(|(template, methods)| fits(template) && methods.get(method.to_lowercase()).is_some())
            .min_by_key(|(template, _)| template.matches('{').count())
            .map(|(path, methods)| Operation {
                path,
                definition: &methods[method.to_lowercase()],
            })
    }

    /// What is wrong with a request.
    pub(crate) fn request_faults(
        &self,
        operation: &Operation<'_>,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        let declared: BTreeMap<&str, bool> = operation.definition["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| Some((parameter["name"].as_str()?, parameter["required"] == true)))
            .collect();
        let newer = NEWER_PARAMETERS
            .iter()
            .find(|(path, _)| *path == operation.path)
            .map_or(&[][..], |(_, names)| names);
        for (name, _) in query {
            if !declared.contains_key(name.as_str()) && !newer.contains(&name.as_str()) {
                faults.push(format!("query parameter {name} is not declared"));
            }
        }
        for (name, _) in declared.iter().filter(|(_, required)| **required) {
            if !query.iter().any(|(given, _)| given == name) {
                faults.push(format!("query parameter {name} is missing"));
            }
        }
        let schema = &operation.definition["requestBody"]["content"]["application/json"]["schema"];
        match (body, schema) {
            (None, Value::Null) => {}
            (Some(_), Value::Null) => faults.push("a body is not declared".into()),
            (None, _) => faults.push("the body is missing".into()),
            (Some(body), schema) => faults.extend(self.schema_faults(schema, body)),
        }
        faults
    }

    /// What is wrong with a response.
    pub(crate) fn response_faults(
        &self,
        operation: Option<&Operation<'_>>,
        status: u16,
        body: Option<&Value>,
    ) -> Vec<String> {
        let declared = operation.map(|operation| &operation.definition["responses"][status.to_string()]);
        match declared {
            Some(response) if !response.is_null() => {
                let schema = &response["content"]["application/json"]["schema"];
                match (body, schema) {
                    (None, Value::Null) => Vec::new(),
                    (Some(_), Value::Null) => vec!["the response must not have a body".into()],
                    (None, _) => vec!["the response has no body".into()],
                    (Some(body), schema) => {
                        let mut faults = self.schema_faults(schema, body);
                        if status >= 400 {
                            faults.extend(error_faults(body));
                        }
                        faults
                    }
                }
            }
            _ if status < 400 => vec![format!("status {status} is not declared")],
            _ => match body {
                None => vec![format!("an error {status} has no body")],
                Some(body) => {
                    let mut faults = self.schema_faults(&json!({"$ref": "#/components/schemas/Error"}), body);
                    faults.extend(error_faults(body));
                    faults
                }
            },
        }
    }

    fn schema_faults(&self, schema: &Value, instance: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        validator
            .iter_errors(instance)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    fn validator(&self, schema: &Value) -> Arc<jsonschema::Validator> {
        let mut compiled = self.compiled.lock().expect("the cache of schemas is not poisoned");
        Arc::clone(compiled.entry(schema.to_string()).or_insert_with(|| {
            let mut definitions = Map::new();
            let mut root = convert(schema, true);
            self.collect(&root, &mut definitions);
            root["$defs"] = Value::Object(definitions);
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            Arc::new(options.build(&root).expect("a converted schema is valid"))
        }))
    }

    /// Adds the definitions that a converted schema refers to, directly or not.
    fn collect(&self, schema: &Value, definitions: &mut Map<String, Value>) {
        match schema {
            Value::Object(members) => {
                if let Some(name) = members
                    .get("$ref")
                    .and_then(Value::as_str)
                    .and_then(|r| r.strip_prefix("#/$defs/"))
                    && !definitions.contains_key(name)
                {
                    let (kind, original) = name.split_once('-').expect("a definition is open- or closed-");
                    let source = patched(original, &self.document["components"]["schemas"][original]);
                    assert!(!source.is_null(), "the document has no schema {original}");
                    let converted = convert(&source, kind == "closed");
                    definitions.insert(name.to_owned(), converted.clone());
                    self.collect(&converted, definitions);
                }
                members.values().for_each(|member| self.collect(member, definitions));
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, definitions)),
            _ => {}
        }
    }
}

/// Every error has all five members, and a code of the catalogue's form.
fn error_faults(body: &Value) -> Vec<String> {
    let names = ["errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"];
    let mut faults: Vec<String> = names
        .into_iter()
        .filter(|name| body.get(name).is_none())
        .map(|name| format!("the error has no {name}"))
        .collect();
    let code = body["errorCode"].as_str().unwrap_or_default();
    if code.len() != 8 || !code.starts_with('E') || !code[1..].bytes().all(|byte| byte.is_ascii_digit()) {
        faults.push(format!("{code:?} is not an error code"));
    }
    faults
}

/// Corrects the one place where the document contradicts itself: `User._embedded` allows objects only, while
/// `UserGetSingleton._embedded.blocks`, which must hold at the same time, is an array.
fn patched(name: &str, schema: &Value) -> Value {
    let mut schema = schema.clone();
    if name == "User" {
        schema["properties"]["_embedded"] = json!({"type": "object", "additionalProperties": true});
    }
    schema
}

/// Turns an OpenAPI 3.0 schema into JSON Schema 2020-12. A closed object has no undeclared members; the branches of a
/// composition stay open, and the whole is closed instead.
fn convert(schema: &Value, closed: bool) -> Value {
    let Value::Object(members) = schema else {
        return schema.clone();
    };
    if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return json!({"$ref": format!("#/$defs/{}-{name}", if closed { "closed" } else { "open" })});
    }
    let mut converted = Map::new();
    for (keyword, value) in members {
        match keyword.as_str() {
            "type" | "enum" | "required" | "format" | "pattern" | "minLength" | "maxLength" | "minItems"
            | "maxItems" | "uniqueItems" => {
                converted.insert(keyword.clone(), value.clone());
            }
            "items" => {
                converted.insert(keyword.clone(), convert(value, true));
            }
            "properties" => {
                let properties = value.as_object().into_iter().flatten();
                let inner = properties
                    .map(|(name, property)| (name.clone(), convert(property, true)))
                    .collect();
                converted.insert(keyword.clone(), Value::Object(inner));
            }
            "additionalProperties" => {
                converted.insert(
                    keyword.clone(),
                    if value.is_object() {
                        convert(value, true)
                    } else {
                        value.clone()
                    },
                );
            }
            "allOf" | "oneOf" | "anyOf" => {
                let branches = value
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|branch| convert(branch, false))
                    .collect();
                converted.insert(keyword.clone(), Value::Array(branches));
            }
            // Numeric bounds stand on strings in this document and say nothing there; the rest is annotation.
            _ => {}
        }
    }
    let is_object = members.contains_key("properties") || members.contains_key("allOf");
    if closed && is_object && !members.contains_key("additionalProperties") {
        converted.insert("unevaluatedProperties".into(), json!(false));
    }
    if members.get("nullable") == Some(&json!(true)) {
        return json!({"anyOf": [converted, {"type": "null"}]});
    }
    Value::Object(converted)
}

#[test]
fn the_contract_refuses_what_okta_does_not_declare() {
    let contract = contract();
    let get = contract.operation("GET", "/api/v1/users/00u1").expect("get user");
    let good = json!({"id": "00u1", "status": "ACTIVE", "activated": null, "_embedded": {"blocks": []}});
    assert_eq!(
        contract.response_faults(Some(&get), 200, Some(&good)),
        Vec::<String>::new()
    );
    for bad in [
        json!({"id": 7}),
        json!({"id": "00u1", "stauts": "ACTIVE"}),
        json!({"created": "yesterday"}),
        json!({"transitioningToStatus": "SUSPENDED"}),
        json!({"_embedded": {"blocks": [{"type": "OTHER"}]}}),
        json!({"_embedded": {"blocks": [{"kind": "DEVICE_BASED"}]}}),
    ] {
        assert!(
            !contract.response_faults(Some(&get), 200, Some(&bad)).is_empty(),
            "accepted {bad}"
        );
    }
    assert!(
        !contract
            .response_faults(Some(&get), 401, Some(&json!({"errorCode": "E0000011"})))
            .is_empty()
    );
    let unlock = contract
        .operation("POST", "/api/v1/users/00u1/lifecycle/unlock")
        .expect("unlock");
    assert!(
        !contract
            .response_faults(Some(&unlock), 200, Some(&json!({})))
            .is_empty()
    );
    assert!(
        !contract
            .request_faults(&unlock, &[("force".into(), "true".into())], None)
            .is_empty()
    );
    let reset = contract
        .operation("POST", "/api/v1/users/00u1/lifecycle/reset_password")
        .expect("reset");
    assert!(!contract.request_faults(&reset, &[], None).is_empty());
}
