//! Business rules and data policies: what an instance does by itself around a write.

use jiff::SignedDuration;

use super::auth::Caller;
use super::errors::{ApiError, ApiResult};
use super::instance::{Context, Row, ServiceNow, set, text};
use super::quirks::Quirk;

impl ServiceNow {
    /// Rules before an update: they abort it, or change what is written.
    pub(super) fn before_update(&self, caller: &Caller, table: &str, before: &Row, mut wanted: Row) -> ApiResult<Row> {
        match table {
            "sys_user" => self.before_user(caller, before, &mut wanted)?,
            "incident" => self.before_incident(before, &wanted)?,
            _ => {}
        }
        Ok(wanted)
    }

    fn before_user(&self, caller: &Caller, before: &Row, wanted: &mut Row) -> ApiResult<()> {
        let abort = |rule: &str| {
            let detail = format!("Operation against file 'sys_user' was aborted by Business Rule '{rule}'");
            Err(ApiError::forbidden(&detail))
        };
        if self.has(Quirk::RuleAborts) {
            return abort("Protect users");
        }
        let target = self.roles_of(text(before, "sys_id"));
        if self.has(Quirk::AdminsAboveUserAdmin) && target.contains(&"admin") && !caller.has("admin") {
            return abort("Protect administrators");
        }
        let deactivated = text(wanted, "active") == "false" && text(before, "active") == "true";
        if deactivated && self.has(Quirk::LockOutInactive) {
            set(wanted, "locked_out", "true");
        }
        if text(wanted, "locked_out") == "false" && self.has(Quirk::RuleRelocks) {
            set(wanted, "locked_out", "true");
        }
        Ok(())
    }

    /// A data policy demands what closes an incident.
    fn before_incident(&self, before: &Row, wanted: &Row) -> ApiResult<()> {
        let of = |field| wanted.get(field).map_or_else(|| text(before, field), String::as_str);
        let label = |value| self.label("incident", "state", value);
        if label(text(before, "state")) == Some("Closed") {
            return Err(ApiError::forbidden("Closed incidents cannot be changed"));
        }
        let resolves = label(of("state")) == Some("Resolved");
        let closing = !of("close_code").is_empty() && !of("close_notes").is_empty();
        if resolves && !closing && self.has(Quirk::ResolveNeedsClosing) {
            let detail = "Data Policy Exception: The following fields are mandatory: Resolution code, Resolution notes";
            return Err(ApiError::forbidden(detail));
        }
        Ok(())
    }

    /// Asynchronous rules after an update are put on the list.
    pub(super) fn after_update(&mut self, context: &Context, table: &str, id: &str, before: &Row) {
        let unlocked = text(before, "locked_out") == "true"
            && self
                .row(table, id)
                .is_some_and(|row| text(row, "locked_out") == "false");
        if table == "sys_user" && unlocked && self.has(Quirk::AsyncRuleRelocks) {
            let wait = i64::try_from(self.settings.async_rule_ms).unwrap_or(i64::MAX / 2000);
            self.relocks
                .push((context.now + SignedDuration::from_millis(wait), id.to_owned()));
        }
    }
}
