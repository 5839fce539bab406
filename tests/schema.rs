//! What every CRD schema must have, found by walking it: texts, bounds and list types. Needs no server.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use readmit::api::schema::crds;

/// Calls `visit` with every schema below the root of every kind, with its path and whether it is a named field.
fn walk(mut visit: impl FnMut(&str, bool, &JSONSchemaProps)) {
    for crd in crds() {
        for version in &crd.spec.versions {
            let schema = version.schema.as_ref().and_then(|s| s.open_api_v3_schema.as_ref());
            let root = schema.unwrap_or_else(|| panic!("{} has no schema", crd.spec.names.kind));
            descend(&crd.spec.names.kind, true, root, &mut visit);
        }
    }
}

fn descend(path: &str, named: bool, schema: &JSONSchemaProps, visit: &mut impl FnMut(&str, bool, &JSONSchemaProps)) {
    visit(path, named, schema);
    for (name, property) in schema.properties.iter().flatten() {
        descend(&format!("{path}.{name}"), true, property, visit);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        descend(&format!("{path}[]"), false, items, visit);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        descend(&format!("{path}{{}}"), false, values, visit);
    }
}

/// The paths at which a rule does not hold; also asserts that the rule was met at least `least` times.
fn faults(least: usize, rule: impl Fn(bool, &JSONSchemaProps) -> Option<bool>) -> Vec<String> {
    let (mut faults, mut met) = (Vec::new(), 0);
    walk(|path, named, schema| match rule(named, schema) {
        Some(true) => met += 1,
        Some(false) => faults.push(path.to_owned()),
        None => (),
    });
    assert!(met >= least, "met only {met} times: the walk is broken");
    faults
}

fn of_type<'s>(schema: &'s JSONSchemaProps, name: &str) -> Option<&'s JSONSchemaProps> {
    (schema.type_.as_deref() == Some(name)).then_some(schema)
}

#[test]
fn every_field_has_a_text() {
    let faults = faults(100, |named, schema| {
        named.then(|| schema.description.as_ref().is_some_and(|text| text.len() >= 5))
    });
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_string_has_a_maximum() {
    let faults = faults(50, |_, schema| {
        let schema = of_type(schema, "string")?;
        let time = schema.format.as_deref() == Some("date-time");
        Some(schema.max_length.is_some() || schema.enum_.is_some() || time)
    });
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_list_has_a_maximum_and_a_type() {
    let faults = faults(15, |_, schema| {
        let schema = of_type(schema, "array")?;
        Some(schema.max_items.is_some() && schema.x_kubernetes_list_type.is_some())
    });
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_map_has_a_maximum() {
    let faults = faults(1, |_, schema| {
        schema.additional_properties.as_ref()?;
        Some(schema.max_properties.is_some())
    });
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn nothing_is_unknown_or_null() {
    let faults = faults(200, |_, schema| {
        let free = schema.x_kubernetes_preserve_unknown_fields == Some(true);
        let format = schema
            .format
            .as_deref()
            .is_none_or(|f| ["date-time", "int32", "int64"].contains(&f));
        Some(schema.type_.is_some() && !free && schema.nullable.is_none() && format)
    });
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_kind_is_in_the_category_and_never_in_all() {
    for crd in crds() {
        assert_eq!(crd.spec.names.categories.as_deref(), Some(&["readmit".to_owned()][..]));
    }
}
