//! The instance: tables of rows, settings, and the one way in which a row is changed.
//!
//! [`ServiceNow::edit`] is that way: it works on a copy, stores it only where it differs, counts and stamps it, and
//! derives the changes for the truth log from the two states.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::auth::Caller;
use super::oauth::{OAuthClient, OAuthState};
use super::quirks::Quirk;
use super::rate_limit::{RateLimits, RateRule};
use super::schema;
use super::seed::Setup;
use crate::directory::fingerprint;
use crate::quirks::Quirks;
use crate::service::Effects;
use crate::truth::Change;

/// A row: every value is a text, and an unset one is empty.
pub type Row = BTreeMap<String, String>;

/// Rules of the instance that a test may set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    pub quirks: Quirks<Quirk>,
    /// Wrong sign-ins in a row that lock a user.
    pub lock_after: u32,
    /// Minutes after which a lock ends by itself; absent: only an administrator ends it.
    pub unlock_minutes: Option<u32>,
    /// Characters that a password needs.
    pub password_length: usize,
    /// Milliseconds until an asynchronous rule runs.
    pub async_rule_ms: u64,
    /// Seconds for which an access token is good.
    pub token_seconds: i64,
    /// Calls that a node takes at once.
    pub semaphore: usize,
    pub rate_rules: Vec<RateRule>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quirks: Quirks::default(),
            lock_after: 5,
            unlock_minutes: None,
            password_length: 8,
            async_rule_ms: 500,
            token_seconds: 1800,
            semaphore: 16,
            rate_rules: Vec::new(),
        }
    }
}

/// What an operation knows about the call that it serves, and what it did so far.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) now: Timestamp,
    pub(super) caller: Option<Caller>,
    pub(super) effects: Effects,
}

impl Context {
    /// A context for something that happens without an API caller.
    pub(super) fn internal(now: Timestamp) -> Self {
        Self {
            now,
            caller: None,
            effects: Effects::default(),
        }
    }

    /// Who writes, as `sys_updated_by` shows it.
    fn author(&self) -> &str {
        self.caller
            .as_ref()
            .map_or("system", |caller| caller.user_name.as_str())
    }

    /// Notes a change of a row, or an event about it.
    pub(super) fn note(&mut self, row: &str, field: &str, before: Option<&str>, after: Option<&str>) {
        self.effects.changes.push(Change {
            account: row.to_owned(),
            field: field.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        });
    }
}

/// A simulated instance.
#[derive(Debug)]
pub struct ServiceNow {
    pub settings: Settings,
    pub clients: Vec<OAuthClient>,
    pub(super) tables: BTreeMap<&'static str, Vec<Row>>,
    pub(super) rate_limits: RateLimits,
    pub(super) oauth: OAuthState,
    /// Users whom an asynchronous rule locks again, and when.
    pub(super) relocks: Vec<(Timestamp, String)>,
    created: u64,
}

impl ServiceNow {
    /// An instance as the set-up describes it.
    pub fn new(setup: Setup, now: Timestamp) -> Self {
        let mut instance = Self {
            settings: setup.settings.clone(),
            clients: setup.clients.clone(),
            tables: BTreeMap::new(),
            rate_limits: RateLimits::default(),
            oauth: OAuthState::default(),
            relocks: Vec::new(),
            created: 0,
        };
        instance.seed(setup, now);
        instance
    }

    /// Whether a quirk is on.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.settings.quirks.has(quirk)
    }

    /// The rows of a table.
    pub(super) fn rows(&self, table: &str) -> &[Row] {
        self.tables.get(table).map(Vec::as_slice).unwrap_or_default()
    }

    /// A row by its sys_id.
    pub(super) fn row(&self, table: &str, id: &str) -> Option<&Row> {
        self.rows(table).iter().find(|row| text(row, "sys_id") == id)
    }

    /// A user by user name or sys_id.
    pub(super) fn user(&self, key: &str) -> Option<&Row> {
        let is = |row: &&Row| text(row, "user_name").eq_ignore_ascii_case(key) || text(row, "sys_id") == key;
        self.rows("sys_user").iter().find(is)
    }

    /// A fresh sys_id, the same one in every run.
    pub(super) fn next_id(&mut self, table: &str) -> String {
        self.created += 1;
        sys_id(&format!("{table}/{}", self.created))
    }

    /// Adds a row. Fields that are not given are unset; unknown ones are left out.
    pub(super) fn insert(&mut self, context: &mut Context, table: &'static str, values: Row) -> String {
        let id = match values.get("sys_id") {
            Some(id) => id.clone(),
            None => self.next_id(table),
        };
        let mut row = Row::new();
        for (field, kind) in schema::find(table).into_iter().flat_map(schema::Table::fields) {
            let unset = match kind {
                schema::Kind::Boolean => "false",
                schema::Kind::Integer => "0",
                _ => "",
            };
            let value = values.get(field).map_or(unset, String::as_str);
            row.insert(field.to_owned(), value.to_owned());
        }
        let (now, author) = (time(context.now), context.author().to_owned());
        for (field, value) in [
            ("sys_id", id.as_str()),
            ("sys_created_on", &now),
            ("sys_updated_on", &now),
            ("sys_created_by", &author),
            ("sys_updated_by", &author),
        ] {
            row.insert(field.to_owned(), value.to_owned());
        }
        context.note(&id, "created", None, Some(table));
        self.tables.entry(table).or_default().push(row);
        id
    }

    /// Changes a row.
    pub(super) fn edit(&mut self, context: &mut Context, table: &str, id: &str, change: impl FnOnce(&mut Row)) {
        let counts_anyway = self.has(Quirk::EqualWriteCounts) && context.caller.is_some();
        let Some(stored) = self
            .tables
            .get_mut(table)
            .and_then(|rows| rows.iter_mut().find(|row| text(row, "sys_id") == id))
        else {
            return;
        };
        let before = stored.clone();
        let mut after = before.clone();
        change(&mut after);
        let changed: Vec<&String> = after
            .keys()
            .filter(|field| after.get(*field) != before.get(*field))
            .collect();
        for field in &changed {
            let (name, hide) = match field.as_str() {
                "user_password" => ("password", true),
                name => (name, false),
            };
            let shown = |row: &Row| {
                let value = text(row, field);
                if hide {
                    value.rsplit_once('/').map_or(value, |(_, print)| print).to_owned()
                } else {
                    value.to_owned()
                }
            };
            context.note(id, name, Some(&shown(&before)), Some(&shown(&after)));
        }
        if !changed.is_empty() || counts_anyway {
            count(&mut after, &time(context.now), context.author());
            *stored = after;
        }
    }

    /// Counts and stamps a row to which something was added.
    pub(super) fn touch(&mut self, context: &Context, table: &str, id: &str) {
        let rows = self.tables.get_mut(table).into_iter().flatten();
        for row in rows.filter(|row| text(row, "sys_id") == id) {
            count(row, &time(context.now), context.author());
        }
    }

    /// Lets time pass: ends locks that ran out, and lets asynchronous rules run.
    pub(super) fn pass_time(&mut self, now: Timestamp) -> Vec<Change> {
        let mut context = Context::internal(now);
        let due: Vec<String> = self
            .relocks
            .iter()
            .filter(|(at, _)| *at <= now)
            .map(|(_, id)| id.clone())
            .collect();
        self.relocks.retain(|(at, _)| *at > now);
        for id in due {
            self.edit(&mut context, "sys_user", &id, |row| set(row, "locked_out", "true"));
        }
        if let Some(minutes) = self.settings.unlock_minutes {
            let since = time(now - SignedDuration::from_mins(i64::from(minutes)));
            let over = |row: &&Row| {
                text(row, "locked_out") == "true"
                    && text(row, "active") == "true"
                    && text(row, "sys_updated_on") <= since.as_str()
            };
            let over: Vec<String> = self
                .rows("sys_user")
                .iter()
                .filter(over)
                .map(|row| text(row, "sys_id").to_owned())
                .collect();
            for id in over {
                self.edit(&mut context, "sys_user", &id, |row| {
                    set(row, "locked_out", "false");
                    set(row, "failed_attempts", "0");
                });
            }
        }
        context.effects.changes
    }
}

fn count(row: &mut Row, now: &str, author: &str) {
    let former: u64 = text(row, "sys_mod_count").parse().unwrap_or_default();
    set(row, "sys_mod_count", &(former + 1).to_string());
    set(row, "sys_updated_on", now);
    set(row, "sys_updated_by", author);
}

/// A field's value.
pub(super) fn text<'a>(row: &'a Row, field: &str) -> &'a str {
    row.get(field).map(String::as_str).unwrap_or_default()
}

/// Sets a field.
pub(super) fn set(row: &mut Row, field: &str, value: &str) {
    row.insert(field.to_owned(), value.to_owned());
}

/// A time as the API shows it: `2026-03-02 10:11:12`, UTC.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A sys_id, 32 hex digits, the same one for the same seed.
pub(super) fn sys_id(seed: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(seed.as_bytes()));
    digest.chars().take(32).collect()
}

/// How a password that can be signed in with is kept.
pub(super) fn hashed(password: &str) -> String {
    format!("hash/{}", fingerprint(password))
}

/// How a password is kept that was stored as given: no sign-in compares with that. Only its fingerprint is kept here.
pub(super) fn as_given(password: &str) -> String {
    format!("text/{}", fingerprint(password))
}
