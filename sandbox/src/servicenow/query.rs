//! Encoded queries: conditions joined by `^`, alternatives by `^OR`, and order.
//!
//! As odd as documented: an invalid part is ignored and the rest is run, and a value that begins with `javascript:` is
//! evaluated on the server.

use super::instance::{Context, Row, ServiceNow, text};
use super::quirks::Quirk;
use super::schema::{self, Kind, Table};

/// Operators, longest first where one begins with another.
const OPERATORS: &[&str] = &[
    "STARTSWITH",
    "ENDSWITH",
    "ISNOTEMPTY",
    "ISEMPTY",
    "NOT IN",
    "NOTLIKE",
    "LIKE",
    "IN",
    "!=",
    ">=",
    "<=",
    "=",
    ">",
    "<",
];

/// One condition.
#[derive(Debug)]
struct Condition {
    path: String,
    operator: &'static str,
    value: String,
}

/// A query that was understood as far as it goes.
#[derive(Debug, Default)]
pub(super) struct Query {
    /// All of these must hold, each by one of its alternatives.
    all: Vec<Vec<Condition>>,
    /// Fields to order by; `true` for descending.
    order: Vec<(String, bool)>,
    /// An invalid part makes it find nothing.
    nothing: bool,
}

impl ServiceNow {
    /// Reads an encoded query about a table.
    pub(super) fn parse_query(&self, context: &mut Context, table: &Table, encoded: &str) -> Query {
        let mut query = Query::default();
        for part in encoded.split('^').filter(|part| !part.is_empty()) {
            if let Some(field) = part.strip_prefix("ORDERBYDESC") {
                query.order.push((field.to_owned(), true));
            } else if let Some(field) = part.strip_prefix("ORDERBY") {
                query.order.push((field.to_owned(), false));
            } else if let Some(condition) = self.condition(context, table, part) {
                query.all.push(vec![condition]);
            } else if let Some(condition) = part
                .strip_prefix("OR")
                .and_then(|part| self.condition(context, table, part))
            {
                match query.all.last_mut() {
                    Some(alternatives) => alternatives.push(condition),
                    None => query.all.push(vec![condition]),
                }
            } else if !self.has(Quirk::InvalidQueryIgnored) {
                query.nothing = true;
            }
        }
        query
    }

    fn condition(&self, context: &mut Context, table: &Table, part: &str) -> Option<Condition> {
        let end = part.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c)))?;
        let (path, rest) = part.split_at(end);
        if !table.has_path(path) {
            return None;
        }
        let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator))?;
        let value = rest.get(operator.len()..).unwrap_or_default();
        Some(Condition {
            path: path.to_owned(),
            operator,
            value: self.evaluate(context, value),
        })
    }

    /// The value that a condition compares with. What a script would do beyond naming the caller is only noted.
    fn evaluate(&self, context: &mut Context, value: &str) -> String {
        let Some(script) = value
            .strip_prefix("javascript:")
            .filter(|_| self.has(Quirk::ScriptsEvaluated))
        else {
            return value.to_owned();
        };
        let caller = context.caller.as_ref();
        match script.trim_end_matches(';') {
            "gs.getUserID()" => caller.map(|caller| caller.user.clone()).unwrap_or_default(),
            "gs.getUserName()" => caller.map(|caller| caller.user_name.clone()).unwrap_or_default(),
            other => {
                context.note("", "script", None, Some(other));
                String::new()
            }
        }
    }

    /// The rows of a table that a query finds, in order.
    pub(super) fn matching(&self, table: &Table, query: &Query) -> Vec<&Row> {
        if query.nothing {
            return Vec::new();
        }
        let holds = |row: &&Row| {
            query
                .all
                .iter()
                .all(|any| any.iter().any(|condition| self.holds(table, row, condition)))
        };
        let mut rows: Vec<&Row> = self.rows(table.name).iter().filter(holds).collect();
        for (field, descending) in query.order.iter().rev() {
            rows.sort_by(|a, b| {
                let order = text(a, field).cmp(text(b, field));
                if *descending { order.reverse() } else { order }
            });
        }
        rows
    }

    fn holds(&self, table: &Table, row: &Row, condition: &Condition) -> bool {
        let Some((_, _, value)) = self.walk(table, row, &condition.path) else {
            return matches!(condition.operator, "ISEMPTY");
        };
        let fold = |text: &str| match self.has(Quirk::EqualityIgnoresCase) {
            true => text.to_lowercase(),
            false => text.to_owned(),
        };
        let (had, wanted) = (fold(value), fold(&condition.value));
        let in_list = || wanted.split(',').any(|one| one == had);
        match condition.operator {
            "=" => had == wanted,
            "!=" => had != wanted,
            "IN" => in_list(),
            "NOT IN" => !in_list(),
            "LIKE" => had.contains(&wanted),
            "NOTLIKE" => !had.contains(&wanted),
            "STARTSWITH" => had.starts_with(&wanted),
            "ENDSWITH" => had.ends_with(&wanted),
            "ISEMPTY" => had.is_empty(),
            "ISNOTEMPTY" => !had.is_empty(),
            operator => compare(operator, &had, &wanted),
        }
    }

    /// Follows references along a path to a field: the table and row it is in, and its value.
    pub(super) fn walk<'a>(&'a self, table: &Table, row: &'a Row, path: &str) -> Option<(Kind, &'a Row, &'a str)> {
        match path.split_once('.') {
            None => {
                let kind = table.kind(path)?;
                Some((kind, row, text(row, path)))
            }
            Some((head, rest)) => {
                let Kind::Reference(target) = table.kind(head)? else {
                    return None;
                };
                let next = self.row(target, text(row, head))?;
                self.walk(schema::find(target)?, next, rest)
            }
        }
    }
}

/// Order: of numbers where both are, else of texts.
fn compare(operator: &str, had: &str, wanted: &str) -> bool {
    let order = match (had.parse::<i64>(), wanted.parse::<i64>()) {
        (Ok(had), Ok(wanted)) => had.cmp(&wanted),
        _ => had.cmp(wanted),
    };
    match operator {
        ">=" => order.is_ge(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_lt(),
    }
}
