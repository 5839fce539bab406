//! Who may see and change what: roles, and rights on rows and fields.

use super::auth::Caller;
use super::instance::{Row, ServiceNow, text};
use super::quirks::Quirk;

impl ServiceNow {
    /// Names of the roles that a user holds.
    pub(super) fn roles_of(&self, user: &str) -> Vec<&str> {
        let of_user = self
            .rows("sys_user_has_role")
            .iter()
            .filter(|row| text(row, "user") == user && text(row, "state") == "active");
        of_user
            .filter_map(|row| self.row("sys_user_role", text(row, "role")))
            .map(|role| text(role, "name"))
            .collect()
    }

    /// Whether a row is of a domain that the caller is not in. Queries leave such rows out and do not count them.
    pub(super) fn is_elsewhere(&self, caller: &Caller, row: &Row) -> bool {
        let own = self
            .row("sys_user", &caller.user)
            .map_or("", |own| text(own, "sys_domain"));
        self.has(Quirk::DomainsApart) && !caller.has("admin") && text(row, "sys_domain") != own
    }

    /// Whether a caller may see a row.
    pub(super) fn may_see(&self, caller: &Caller, table: &str, row: &Row) -> bool {
        let is_admin = caller.has("admin");
        match table {
            "sys_user" if self.is_elsewhere(caller, row) => false,
            "sys_user" => is_admin || !self.has(Quirk::InactiveHidden) || text(row, "active") == "true",
            "sys_user_has_role" if self.has(Quirk::RolesUnreadable) => false,
            "sys_user_has_role" => {
                let own = text(row, "user") == caller.user;
                own || (!self.has(Quirk::OwnRolesOnly) && (is_admin || caller.has("user_admin")))
            }
            "sys_user_role" | "sys_user_group" | "sys_user_grmember" | "sys_choice" => true,
            "incident" | "interaction" => is_admin || caller.has("itil"),
            "sys_journal_field" => !self.has(Quirk::JournalUnreadable) && (is_admin || caller.has("itil")),
            _ => is_admin,
        }
    }

    /// Whether a field may be read by anybody. One that may not is left out of answers.
    pub(super) fn is_readable(&self, table: &str, field: &str) -> bool {
        let hidden = match (table, field) {
            ("sys_user", "locked_out") => Quirk::LockedOutUnreadable,
            ("sys_user", "active") => Quirk::ActiveUnreadable,
            ("sys_user", "sys_mod_count") => Quirk::ModCountUnreadable,
            _ => return true,
        };
        !self.has(hidden)
    }

    /// Whether a caller may write a field. One that may not is dropped without a word.
    pub(super) fn is_writable(&self, caller: &Caller, table: &str, field: &str) -> bool {
        if field.starts_with("sys_") {
            return false;
        }
        let may_table = caller.has("admin")
            || match table {
                "sys_user" => caller.has("user_admin"),
                "incident" | "interaction" => caller.has("itil"),
                _ => false,
            };
        let unwritable = match (table, field) {
            ("sys_user", "locked_out") => self.has(Quirk::LockedOutUnwritable),
            ("sys_user", "failed_attempts") => self.has(Quirk::FailedAttemptsUnwritable),
            ("sys_user", "password_needs_reset") => self.has(Quirk::NeedsResetUnwritable),
            ("sys_user", "user_password") => self.has(Quirk::PasswordUnwritable),
            (_, "correlation_id") => self.has(Quirk::CorrelationUnwritable),
            _ => false,
        };
        may_table && !unwritable
    }

    /// Whether a caller may write rows of this table at all.
    pub(super) fn may_write(&self, caller: &Caller, table: &str) -> bool {
        match table {
            "sys_user" => caller.has("user_admin") || caller.has("admin"),
            "incident" | "interaction" => caller.has("itil") || caller.has("admin"),
            _ => caller.has("admin"),
        }
    }
}
