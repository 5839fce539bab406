//! The tables that are there: their fields, what kind each is, and which field shows a row to people.
//!
//! A subset of a real instance: what accounts, roles, groups and tickets need.

/// What a field holds. Every value is a text all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// `true` or `false`.
    Boolean,
    Integer,
    /// `YYYY-MM-DD hh:mm:ss`, UTC.
    Time,
    /// The sys_id of a row of that table, or nothing.
    Reference(&'static str),
    /// A stored value with a label in `sys_choice`.
    Choice,
    /// Append-only: a write adds an entry to `sys_journal_field`, a read gives nothing.
    Journal,
    /// Written, never read.
    Password,
}

use Kind::{Boolean, Choice, Integer, Journal, Password, Reference, Text, Time};

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The field that shows a row to people.
    pub(super) display: &'static str,
    fields: &'static [(&'static str, Kind)],
}

const COMMON: &[(&str, Kind)] = &[
    ("sys_id", Text),
    ("sys_mod_count", Integer),
    ("sys_created_on", Time),
    ("sys_created_by", Text),
    ("sys_updated_on", Time),
    ("sys_updated_by", Text),
];

const USER: &[(&str, Kind)] = &[
    ("user_name", Text),
    ("email", Text),
    ("first_name", Text),
    ("last_name", Text),
    ("name", Text),
    ("title", Text),
    ("department", Text),
    ("company", Text),
    ("location", Text),
    ("city", Text),
    ("country", Text),
    ("employee_number", Text),
    ("vip", Boolean),
    ("manager", Reference("sys_user")),
    ("active", Boolean),
    ("locked_out", Boolean),
    ("failed_attempts", Integer),
    ("password_needs_reset", Boolean),
    ("user_password", Password),
    ("source", Text),
    ("web_service_access_only", Boolean),
    ("internal_integration_user", Boolean),
    ("identity_type", Text),
    ("last_login_time", Time),
    ("sys_domain", Text),
];

const TASK: &[(&str, Kind)] = &[
    ("number", Text),
    ("state", Choice),
    ("incident_state", Choice),
    ("active", Boolean),
    ("category", Choice),
    ("subcategory", Choice),
    ("assigned_to", Reference("sys_user")),
    ("assignment_group", Reference("sys_user_group")),
    ("caller_id", Reference("sys_user")),
    ("opened_by", Reference("sys_user")),
    ("short_description", Text),
    ("description", Text),
    ("work_notes", Journal),
    ("comments", Journal),
    ("close_code", Choice),
    ("close_notes", Text),
    ("correlation_id", Text),
    ("correlation_display", Text),
];

const INTERACTION: &[(&str, Kind)] = &[
    ("number", Text),
    ("state", Choice),
    ("type", Choice),
    ("assigned_to", Reference("sys_user")),
    ("opened_for", Reference("sys_user")),
    ("short_description", Text),
    ("work_notes", Journal),
    ("correlation_id", Text),
    ("correlation_display", Text),
];

const fn table(name: &'static str, display: &'static str, fields: &'static [(&'static str, Kind)]) -> Table {
    Table { name, display, fields }
}

const TABLES: &[Table] = &[
    table("sys_user", "name", USER),
    table("sys_user_role", "name", &[("name", Text)]),
    table(
        "sys_user_has_role",
        "sys_id",
        &[
            ("user", Reference("sys_user")),
            ("role", Reference("sys_user_role")),
            ("state", Choice),
            ("inherited", Boolean),
        ],
    ),
    table(
        "sys_user_group",
        "name",
        &[("name", Text), ("parent", Reference("sys_user_group"))],
    ),
    table(
        "sys_user_grmember",
        "sys_id",
        &[("user", Reference("sys_user")), ("group", Reference("sys_user_group"))],
    ),
    table("incident", "number", TASK),
    table("interaction", "number", INTERACTION),
    table(
        "sys_choice",
        "label",
        &[
            ("name", Text),
            ("element", Text),
            ("value", Text),
            ("label", Text),
            ("inactive", Boolean),
        ],
    ),
    table(
        "sys_journal_field",
        "sys_id",
        &[("name", Text), ("element_id", Text), ("element", Text), ("value", Text)],
    ),
];

/// A table by name.
pub(super) fn find(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

impl Table {
    /// What a field of this table holds; none for a name that is no field.
    pub(super) fn kind(&self, field: &str) -> Option<Kind> {
        self.fields().find(|(name, _)| *name == field).map(|(_, kind)| kind)
    }

    /// Every field.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, Kind)> {
        COMMON.iter().chain(self.fields).copied()
    }

    /// Whether a path of fields, with references between them, leads somewhere.
    pub(super) fn has_path(&self, path: &str) -> bool {
        match path.split_once('.') {
            None => self.kind(path).is_some(),
            Some((head, rest)) => match self.kind(head) {
                Some(Reference(target)) => find(target).is_some_and(|table| table.has_path(rest)),
                _ => false,
            },
        }
    }
}
