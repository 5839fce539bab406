//! Reading: a list by query, or one record.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::auth::Caller;
use super::errors::{ApiError, ApiResult};
use super::instance::{Context, ServiceNow, text};
use super::quirks::Quirk;
use super::router::Routed;
use super::schema::{self, Table};
use super::shapes::{Display, Look};
use crate::exchange::{Call, Reply};

/// Rows that a list has where no limit is given.
const DEFAULT_LIMIT: usize = 10_000;

/// How the answer to a call is to look.
pub(super) fn look(call: &Call) -> Look {
    let fields = call.parameter("sysparm_fields").unwrap_or_default();
    Look {
        fields: fields
            .split(',')
            .filter(|field| !field.is_empty())
            .map(|field| field.trim().to_owned())
            .collect(),
        display: match call.parameter("sysparm_display_value").as_deref() {
            Some("true") => Display::Shown,
            Some("all") => Display::All,
            _ => Display::Stored,
        },
        links: call.parameter("sysparm_exclude_reference_link").as_deref() != Some("true"),
        base: call.base.clone(),
    }
}

/// The table of that name.
pub(super) fn table(name: &str) -> ApiResult<&'static Table> {
    schema::find(name).ok_or_else(|| ApiError::invalid_table(name))
}

impl ServiceNow {
    /// Lists rows.
    pub(super) fn list(
        &self,
        context: &mut Context,
        call: &Call,
        caller: &Caller,
        routed: &Routed,
        name: &str,
    ) -> ApiResult<Reply> {
        let table = table(name)?;
        let encoded = match call.parameter("sysparm_query") {
            Some(query) => query,
            // The other form: name=value pairs.
            None => call
                .parameters()
                .into_iter()
                .filter(|(key, _)| !key.starts_with("sysparm_"))
                .map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>()
                .join("^"),
        };
        let query = self.parse_query(context, table, &encoded);
        let number = |name: &str| call.parameter(name).and_then(|text| text.parse::<usize>().ok());
        let (limit, offset) = (
            number("sysparm_limit").unwrap_or(DEFAULT_LIMIT),
            number("sysparm_offset").unwrap_or_default(),
        );
        let mut rows = self.matching(table, &query);
        rows.retain(|row| !self.is_elsewhere(caller, row));
        if !self.has(Quirk::AclAfterLimit) {
            rows.retain(|row| self.may_see(caller, name, row));
        }
        let total = rows.len();
        let look = look(call);
        let page: Vec<Value> = rows
            .into_iter()
            .skip(offset)
            .take(limit)
            .filter(|row| self.may_see(caller, name, row))
            .map(|row| self.render(table, row, &look))
            .collect();
        if page.is_empty() && routed.first_version {
            return Err(ApiError::no_record());
        }
        let mut reply = self.result(&json!(page));
        if call.parameter("sysparm_no_count").as_deref() != Some("true") {
            reply = reply.with_header("x-total-count", &total.to_string());
        }
        let more = offset + limit < total;
        if more && call.parameter("sysparm_suppress_pagination_header").as_deref() != Some("true") {
            let next = format!(
                "<{}{}?{}&sysparm_offset={}>;rel=\"next\"",
                call.base,
                call.path,
                call.query,
                offset + limit
            );
            reply = reply.with_header("link", &next);
        }
        Ok(reply)
    }

    /// Reads one row.
    pub(super) fn read(
        &self,
        context: &mut Context,
        call: &Call,
        caller: &Caller,
        name: &str,
        id: &str,
    ) -> ApiResult<Reply> {
        let table = table(name)?;
        let row = self.row(name, id).filter(|row| self.may_see(caller, name, row));
        let row = row.ok_or_else(ApiError::no_record)?;
        context.effects.account = Some(text(row, "sys_id").to_owned());
        Ok(self.result(&self.render(table, row, &look(call))))
    }

    /// An answer with a result.
    pub(super) fn result(&self, result: &Value) -> Reply {
        let mut body = json!({"result": result});
        if self.has(Quirk::ErrorBesideResult) {
            let error = json!({"message": "Transaction cancelled: maximum execution time exceeded", "detail": ""});
            body["error"] = error;
            body["status"] = json!("failure");
        }
        Reply::json(StatusCode::OK, &body)
    }
}
