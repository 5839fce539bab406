//! What is read of records, as they stand on the wire: every scalar a text, references and display values as objects.
//!
//! A field that the operator may not read is left out of an answer: that it is missing never means that it is empty.

use serde_json::{Map, Value};

/// A record: fields by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record(Map<String, Value>);

impl Record {
    /// The record in a result; `None` where it is none.
    pub(super) fn of(result: Value) -> Option<Self> {
        match result {
            Value::Object(fields) => Some(Record(fields)),
            _ => None,
        }
    }

    /// The records in a result; `None` where it is no list of them.
    pub(super) fn list(result: Value) -> Option<Vec<Self>> {
        match result {
            Value::Array(rows) => rows.into_iter().map(Self::of).collect(),
            _ => None,
        }
    }

    /// A field's stored value; `None` where it was left out. A reference's is its sys_id: a bare text or an object with
    /// `value`, which is not documented.
    pub fn value(&self, field: &str) -> Option<&str> {
        match self.0.get(field)? {
            Value::String(text) => Some(text),
            Value::Object(parts) => parts.get("value")?.as_str(),
            _ => None,
        }
    }

    /// What people see of a field, where display values were asked for.
    pub fn display(&self, field: &str) -> Option<&str> {
        match self.0.get(field)? {
            Value::Object(parts) => parts.get("display_value")?.as_str(),
            _ => None,
        }
    }

    /// A boolean field; `None` where it was left out or is none.
    pub(super) fn flag(&self, field: &str) -> Option<bool> {
        match self.value(field)? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// A number; `None` where it was left out or is none.
    pub(super) fn number(&self, field: &str) -> Option<u64> {
        self.value(field)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_have_several_shapes_and_missing_is_not_empty() {
        let record = Record::of(json!({
            "bare": "1f", "object": {"value": "1f"}, "linked": {"link": "https://x/1f", "value": "1f"},
            "all": {"display_value": "Desk Agent", "value": "1f"}, "unset": "", "number": "41", "flag": "false",
        }))
        .unwrap();
        for field in ["bare", "object", "linked", "all"] {
            assert_eq!(record.value(field), Some("1f"), "{field}");
        }
        assert_eq!(record.display("all"), Some("Desk Agent"));
        assert_eq!(record.display("bare"), None);
        assert_eq!((record.value("unset"), record.value("missing")), (Some(""), None));
        assert_eq!(
            (record.flag("flag"), record.flag("unset"), record.number("number")),
            (Some(false), None, Some(41))
        );
    }
}
