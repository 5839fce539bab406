//! Writing: one row is updated, created or deleted.
//!
//! What the caller may not write is dropped without a word; what rules do comes before the answer is made.

use hyper::StatusCode;
use serde_json::{Map, Value};

use super::auth::Caller;
use super::errors::{ApiError, ApiResult};
use super::instance::{Context, Row, ServiceNow, as_given, hashed, set, text};
use super::quirks::Quirk;
use super::reads::{look, table};
use super::schema::{Kind, Table};
use crate::exchange::{Call, Reply};

impl ServiceNow {
    /// Updates a row; PUT behaves like PATCH.
    pub(super) fn update(
        &mut self,
        context: &mut Context,
        call: &Call,
        caller: &Caller,
        name: &str,
        id: &str,
    ) -> ApiResult<Reply> {
        let table = table(name)?;
        let seen = self.row(name, id).filter(|row| self.may_see(caller, name, row));
        let before = seen.ok_or_else(ApiError::no_record)?.clone();
        context.effects.account = Some(id.to_owned());
        if !self.may_write(caller, name) {
            return Err(ApiError::forbidden(
                "ACL Exception Update Failed due to security constraints",
            ));
        }
        let values = body(call)?;
        let (wanted, journal) = self.accepted(caller, table, &values, takes_display(call))?;
        let wanted = self.before_update(caller, name, &before, wanted)?;
        context.effects.applied = true;
        for (element, entry) in &journal {
            self.write_journal(context, name, id, element, entry);
        }
        self.edit(context, name, id, |row| row.extend(wanted));
        if !journal.is_empty() && self.row(name, id) == Some(&before) {
            self.touch(context, name, id);
        }
        self.after_update(context, name, id, &before);
        self.written(call, table, id, StatusCode::OK)
    }

    /// Creates a row. Only the first of a list is processed.
    pub(super) fn create(
        &mut self,
        context: &mut Context,
        call: &Call,
        caller: &Caller,
        name: &str,
    ) -> ApiResult<Reply> {
        let table = table(name)?;
        if !self.may_write(caller, name) {
            return Err(ApiError::forbidden(
                "ACL Exception Insert Failed due to security constraints",
            ));
        }
        let values = body(call)?;
        let (mut wanted, journal) = self.accepted(caller, table, &values, takes_display(call))?;
        if name == "sys_user" && self.user(text(&wanted, "user_name")).is_some() {
            return Err(ApiError::forbidden(
                "Operation against file 'sys_user' was aborted by Business Rule 'unique'",
            ));
        }
        if matches!(name, "incident" | "interaction") {
            let number = format!("{}{:07}", &name[..3].to_uppercase(), self.rows(name).len() + 1);
            set(&mut wanted, "number", &number);
        }
        context.effects.applied = true;
        let id = self.insert(context, table.name, wanted);
        context.effects.account = Some(id.clone());
        for (element, entry) in &journal {
            self.write_journal(context, name, &id, element, entry);
        }
        self.written(call, table, &id, StatusCode::CREATED)
    }

    /// Deletes a row.
    pub(super) fn delete(&mut self, context: &mut Context, caller: &Caller, name: &str, id: &str) -> ApiResult<Reply> {
        let table = table(name)?;
        if self.row(name, id).is_none() {
            return Err(ApiError::no_record());
        }
        if !caller.has("admin") {
            return Err(ApiError::forbidden(
                "ACL Exception Delete Failed due to security constraints",
            ));
        }
        context.effects.account = Some(id.to_owned());
        context.effects.applied = true;
        context.note(id, "deleted", None, Some(name));
        if let Some(rows) = self.tables.get_mut(table.name) {
            rows.retain(|row| text(row, "sys_id") != id);
        }
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    /// What is taken of the values that were sent: fields for the row, and entries for its journals.
    fn accepted(
        &self,
        caller: &Caller,
        table: &Table,
        values: &Map<String, Value>,
        display: bool,
    ) -> ApiResult<(Row, Vec<(String, String)>)> {
        let (mut row, mut journal) = (Row::new(), Vec::new());
        for (field, value) in values {
            let Some(kind) = table.kind(field) else { continue };
            if !self.is_writable(caller, table.name, field) {
                continue;
            }
            if matches!(value, Value::Bool(_)) && self.has(Quirk::BooleanTextsOnly) {
                continue;
            }
            let value = match value {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            let value = match kind {
                Kind::Journal if value.is_empty() => continue,
                Kind::Journal => {
                    journal.push((field.clone(), value));
                    continue;
                }
                Kind::Password if display || !self.has(Quirk::PasswordStoredPlain) => {
                    let short = value.chars().count() < self.settings.password_length;
                    match short {
                        true if self.has(Quirk::WeakPasswordDropped) => continue,
                        true => return Err(ApiError::forbidden("The password does not meet the policy")),
                        false => hashed(&value),
                    }
                }
                Kind::Password => as_given(&value),
                Kind::Boolean => matches!(value.as_str(), "true" | "1").to_string(),
                Kind::Choice if display => match self.stored(table.name, field, &value) {
                    Some(stored) => stored.to_owned(),
                    None => value,
                },
                _ => value,
            };
            row.insert(field.clone(), value);
        }
        Ok((row, journal))
    }

    fn write_journal(&mut self, context: &mut Context, name: &str, id: &str, element: &str, entry: &str) {
        let values = [
            ("name", name),
            ("element_id", id),
            ("element", element),
            ("value", entry),
        ];
        let values = values.map(|(field, value)| (field.to_owned(), value.to_owned()));
        self.insert(context, "sys_journal_field", values.into());
        context.note(id, element, None, Some(entry));
    }

    fn written(&self, call: &Call, table: &Table, id: &str, status: StatusCode) -> ApiResult<Reply> {
        if call.header("x-no-response-body") == Some("true") {
            return Ok(Reply::empty(status));
        }
        let row = self.row(table.name, id).ok_or_else(ApiError::no_record)?;
        let reply = self.result(&self.render(table, row, &look(call)));
        Ok(Reply { status, ..reply })
    }
}

fn takes_display(call: &Call) -> bool {
    call.parameter("sysparm_input_display_value").as_deref() == Some("true")
}

/// The first record of a body.
fn body(call: &Call) -> ApiResult<Map<String, Value>> {
    let value: Value =
        serde_json::from_slice(&call.body).map_err(|_| ApiError::bad_request("The payload is not valid JSON"))?;
    let first = match value {
        Value::Array(list) => list.into_iter().next().unwrap_or_default(),
        single => single,
    };
    match first {
        Value::Object(values) => Ok(values),
        _ => Err(ApiError::bad_request("The payload is not an object")),
    }
}
