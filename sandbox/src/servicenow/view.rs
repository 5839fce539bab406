//! What a test sees of an instance and does to it, besides calling its API.

use anyhow::Context as _;

use super::instance::{Context, Row, ServiceNow, Settings, hashed, set, text};
use super::oauth::OAuthClient;
use super::quirks::Quirk;
use super::seed::User;
use super::signin::SignIn;
use crate::shared::Shared;

/// The instance of a running sandbox.
#[derive(Debug, Clone, Copy)]
pub struct Instance<'a> {
    shared: &'a Shared,
}

impl<'a> Instance<'a> {
    /// The instance behind these listeners.
    pub fn new(shared: &'a Shared) -> Self {
        Self { shared }
    }

    fn with<T>(&self, operation: &str, action: impl FnOnce(&mut ServiceNow, &mut Context) -> T) -> T {
        self.shared.control_of(operation, |instance: &mut ServiceNow, now| {
            let mut context = Context::internal(now);
            let result = action(instance, &mut context);
            (result, context.effects)
        })
    }

    /// A user's row, by user name or sys_id; without the password.
    pub fn user(&self, key: &str) -> Option<Row> {
        let instance = self.shared.service::<ServiceNow>();
        let mut row = instance.user(key).cloned()?;
        row.remove("user_password");
        Some(row)
    }

    /// How a user's password is kept: `hash/` or `text/` and its fingerprint.
    pub fn password(&self, key: &str) -> Option<String> {
        let instance = self.shared.service::<ServiceNow>();
        instance.user(key).map(|row| text(row, "user_password").to_owned())
    }

    /// The first row of a table in which a field has this value.
    pub fn record(&self, table: &str, field: &str, value: &str) -> Option<Row> {
        let instance = self.shared.service::<ServiceNow>();
        instance
            .rows(table)
            .iter()
            .find(|row| text(row, field) == value)
            .cloned()
    }

    /// The entries of a journal, oldest first.
    pub fn journal(&self, record: &str, element: &str) -> Vec<String> {
        let instance = self.shared.service::<ServiceNow>();
        let rows = instance.rows("sys_journal_field").iter();
        rows.filter(|row| text(row, "element_id") == record && text(row, "element") == element)
            .map(|row| text(row, "value").to_owned())
            .collect()
    }

    /// Locks a user as if by wrong sign-ins.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn lock(&self, key: &str) -> anyhow::Result<()> {
        let limit = self.shared.service::<ServiceNow>().settings.lock_after;
        self.change(key, &[("locked_out", "true"), ("failed_attempts", &limit.to_string())])
    }

    /// Sets fields of a user behind the API's back.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn change(&self, key: &str, fields: &[(&str, &str)]) -> anyhow::Result<()> {
        self.with("change", |instance, context| {
            let user = instance.user(key).with_context(|| format!("there is no user {key}"))?;
            let id = text(user, "sys_id").to_owned();
            instance.edit(context, "sys_user", &id, |row| {
                fields.iter().for_each(|(field, value)| set(row, field, value));
            });
            Ok(())
        })
    }

    /// Sets a user's password behind the API's back.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn set_password(&self, key: &str, password: &str) -> anyhow::Result<()> {
        self.change(key, &[("user_password", &hashed(password))])
    }

    /// Sets fields of any row behind the API's back.
    pub fn change_record(&self, table: &str, id: &str, fields: &[(&str, &str)]) {
        self.with("change", |instance, context| {
            instance.edit(context, table, id, |row| {
                fields.iter().for_each(|(field, value)| set(row, field, value));
            });
        });
    }

    /// Signs a person in; with `new_password` one that must be changed is changed on the way.
    pub fn sign_in(&self, name: &str, password: &str, new_password: Option<&str>) -> SignIn {
        self.with("sign-in", |instance, context| {
            instance.sign_in(context, name, password, new_password)
        })
    }

    /// Adds a user; answers the sys_id.
    pub fn add(&self, user: &User) -> String {
        self.with("add", |instance, context| instance.add_user(context, user))
    }

    /// Adds or replaces a client of the token endpoint.
    pub fn add_client(&self, client: OAuthClient) {
        let mut instance = self.shared.service::<ServiceNow>();
        instance.clients.retain(|known| known.client_id != client.client_id);
        instance.clients.push(client);
    }

    /// Makes every access token invalid.
    pub fn revoke_tokens(&self) {
        self.shared.service::<ServiceNow>().oauth.revoke_all();
    }

    /// Changes settings.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.service::<ServiceNow>().settings);
    }

    /// Turns a quirk on or off.
    pub fn set_quirk(&self, quirk: Quirk, on: bool) {
        self.configure(|settings| settings.quirks.set(quirk, on));
    }
}
