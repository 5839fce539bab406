//! Label selectors (`meta/v1.LabelSelector`), as the API server evaluates them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::BTreeMap;

/// Whether the labels match. An operator that is not known matches nothing.
pub fn matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector
        .match_labels
        .iter()
        .flatten()
        .all(|(key, value)| labels.get(key) == Some(value));
    let expressions = selector.match_expressions.iter().flatten().all(|requirement| {
        let value = labels.get(&requirement.key);
        let among = || value.is_some_and(|value| requirement.values.iter().flatten().any(|v| v == value));
        match requirement.operator.as_str() {
            "In" => among(),
            "NotIn" => !among(),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    });
    equal && expressions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match_as_the_api_server_does() {
        let labels = BTreeMap::from([("team".to_owned(), "desk".to_owned())]);
        for (selector, expected) in [
            (r#"{}"#, true),
            (r#"{"matchLabels":{"team":"desk"}}"#, true),
            (r#"{"matchLabels":{"team":"other"}}"#, false),
            (
                r#"{"matchExpressions":[{"key":"team","operator":"In","values":["desk","x"]}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"team","operator":"NotIn","values":["desk"]}]}"#,
                false,
            ),
            (
                r#"{"matchExpressions":[{"key":"zone","operator":"NotIn","values":["a"]}]}"#,
                true,
            ),
            (r#"{"matchExpressions":[{"key":"zone","operator":"Exists"}]}"#, false),
            (
                r#"{"matchExpressions":[{"key":"zone","operator":"DoesNotExist"}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"team","operator":"Gt","values":["1"]}]}"#,
                false,
            ),
        ] {
            assert_eq!(
                matches(&serde_json::from_str(selector).unwrap(), &labels),
                expected,
                "{selector}"
            );
        }
    }
}
