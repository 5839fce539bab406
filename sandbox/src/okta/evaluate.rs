//! Evaluation of parsed expressions over users and log events.

use std::cmp::Ordering;

use serde_json::Value;

use super::expression::{Dialect, Expression, Operator};
use super::user::User;
use crate::clock::iso;

/// Anything with attributes by dotted name.
pub(super) trait Attributes {
    /// The values under that name; several where a path crosses a list.
    fn attribute(&self, name: &str) -> Vec<Value>;
}

impl Attributes for User {
    fn attribute(&self, name: &str) -> Vec<Value> {
        let time = |time: Option<jiff::Timestamp>| time.map(|time| Value::from(iso(time)));
        let value = match name {
            "id" => Some(Value::from(self.id.clone())),
            "status" => Some(Value::from(self.status.as_str())),
            "created" => time(Some(self.created)),
            "activated" => time(self.activated),
            "statusChanged" => time(self.status_changed),
            "lastUpdated" => time(Some(self.last_updated)),
            "lastLogin" => time(self.last_login),
            "passwordChanged" => time(self.password_changed),
            other => other
                .strip_prefix("profile.")
                .and_then(|name| self.profile.get(name))
                .cloned(),
        };
        value.into_iter().flat_map(flatten).collect()
    }
}

impl Attributes for Value {
    fn attribute(&self, name: &str) -> Vec<Value> {
        let mut found = vec![self.clone()];
        for part in name.split('.') {
            found = found
                .into_iter()
                .filter_map(|value| value.get(part).cloned())
                .flat_map(flatten)
                .collect();
        }
        found
    }
}

fn flatten(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        other => vec![other],
    }
}

/// Whether the expression holds for the subject.
pub(super) fn evaluate(expression: &Expression, subject: &impl Attributes, dialect: Dialect) -> bool {
    match expression {
        Expression::And(left, right) => evaluate(left, subject, dialect) && evaluate(right, subject, dialect),
        Expression::Or(left, right) => evaluate(left, subject, dialect) || evaluate(right, subject, dialect),
        Expression::Not(inner) => !evaluate(inner, subject, dialect),
        Expression::Compare {
            attribute,
            operator: Operator::Pr,
            ..
        } => !subject.attribute(attribute).is_empty(),
        Expression::Compare {
            attribute,
            operator: Operator::Ne,
            value,
        } => !subject
            .attribute(attribute)
            .iter()
            .any(|held| holds(held, Operator::Eq, value, dialect)),
        Expression::Compare {
            attribute,
            operator,
            value,
        } => subject
            .attribute(attribute)
            .iter()
            .any(|held| holds(held, *operator, value, dialect)),
    }
}

fn holds(held: &Value, operator: Operator, wanted: &Value, dialect: Dialect) -> bool {
    let ordering = match (held, wanted) {
        (Value::String(held), Value::String(wanted)) => {
            let fold = |text: &str| {
                if dialect == Dialect::UserSearch {
                    text.to_lowercase()
                } else {
                    text.to_owned()
                }
            };
            let (held, wanted) = (fold(held), fold(wanted));
            match operator {
                Operator::Sw => return held.starts_with(&wanted),
                Operator::Ew => return held.ends_with(&wanted),
                Operator::Co => return held.contains(&wanted),
                Operator::Eq if held == wanted => Some(Ordering::Equal),
                Operator::Eq => None,
                _ => Some(compare_texts(&held, &wanted)),
            }
        }
        (Value::Number(held), Value::Number(wanted)) => held.as_f64().partial_cmp(&wanted.as_f64()),
        (held, wanted) => (held == wanted).then_some(Ordering::Equal),
    };
    match operator {
        Operator::Eq => ordering == Some(Ordering::Equal),
        Operator::Gt => ordering == Some(Ordering::Greater),
        Operator::Ge => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
        Operator::Lt => ordering == Some(Ordering::Less),
        Operator::Le => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        Operator::Ne | Operator::Sw | Operator::Co | Operator::Ew | Operator::Pr => false,
    }
}

/// Orders two texts, as moments where both are timestamps.
fn compare_texts(held: &str, wanted: &str) -> Ordering {
    match (
        held.to_uppercase().parse::<jiff::Timestamp>(),
        wanted.to_uppercase().parse::<jiff::Timestamp>(),
    ) {
        (Ok(held), Ok(wanted)) => held.cmp(&wanted),
        _ => held.cmp(wanted),
    }
}

/// What a list sorted by that attribute compares: its text, without regard to case, then the id.
pub(super) fn sort_key(user: &User, attribute: &str) -> (String, String) {
    let text = match user.attribute(attribute).into_iter().next() {
        Some(Value::String(text)) => text.to_lowercase(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    (text, user.id.clone())
}
