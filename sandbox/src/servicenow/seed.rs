//! What an instance starts with: people in every state, roles, groups, tickets, and the choices of their fields.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::instance::{Context, Row, ServiceNow, Settings, hashed};
use super::oauth::OAuthClient;
use super::quirks::Quirk;
use crate::seed::SEED_PASSWORD;

/// User name of the built-in integration user: user_admin and itil.
pub const OPERATOR: &str = "readmit.operator";
/// Its password.
pub const OPERATOR_PASSWORD: &str = "Operator-Horse-7";

/// A user to create.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct User {
    pub user_name: String,
    /// Empty: `<user name>@example.com`.
    pub email: String,
    /// Empty: the seed's password.
    pub password: String,
    pub inactive: bool,
    pub locked_out: bool,
    pub needs_reset: bool,
    /// The LDAP DN of an imported user.
    pub source: String,
    pub roles: Vec<String>,
    pub groups: Vec<String>,
}

impl User {
    /// A user who is well.
    pub fn new(user_name: &str) -> Self {
        Self {
            user_name: user_name.to_owned(),
            ..Self::default()
        }
    }

    /// A user who is locked.
    pub fn locked(user_name: &str) -> Self {
        Self {
            locked_out: true,
            ..Self::new(user_name)
        }
    }

    /// The same one with a role.
    pub fn with_role(mut self, role: &str) -> Self {
        self.roles.push(role.to_owned());
        self
    }
}

/// How an instance starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Setup {
    pub settings: Settings,
    pub users: Vec<User>,
    pub clients: Vec<OAuthClient>,
}

impl Default for Setup {
    fn default() -> Self {
        let client = |id: &str, user: Option<&str>| OAuthClient {
            client_id: id.to_owned(),
            client_secret: format!("{id}-secret"),
            user: user.map(str::to_owned),
        };
        Self {
            settings: Settings::default(),
            users: built_in(),
            clients: vec![client("app", Some(OPERATOR)), client("login-app", None)],
        }
    }
}

fn built_in() -> Vec<User> {
    let operator = User {
        password: OPERATOR_PASSWORD.to_owned(),
        ..User::new(OPERATOR).with_role("user_admin").with_role("itil")
    };
    let imported = User {
        source: "ldap:CN=Erin,OU=People,DC=corp,DC=example".into(),
        ..User::locked("erin.ldap")
    };
    let shared = |name: &str| User {
        email: "nina@example.com".into(),
        ..User::new(name)
    };
    vec![
        operator,
        User::locked("ada.byte"),
        User::new("bob.ross"),
        User {
            needs_reset: true,
            ..User::new("carol.shaw")
        },
        User {
            inactive: true,
            locked_out: true,
            ..User::new("dora.left")
        },
        imported,
        User::locked("frank.root").with_role("admin"),
        User::new("grace.desk")
            .with_role("password_reset_service_desk")
            .with_role("itil"),
        User {
            groups: vec!["Berlin desk".into()],
            ..User::locked("heidi.group")
        },
        shared("nina.one"),
        shared("nina.two"),
        User::new("ivan.itil").with_role("itil"),
    ]
}

impl ServiceNow {
    /// Fills an empty instance.
    pub(super) fn seed(&mut self, setup: Setup, now: Timestamp) {
        let mut context = Context::internal(now);
        self.seed_choices(&mut context);
        let desk = self.insert(&mut context, "sys_user_group", row(&[("name", "Desk")]));
        let berlin = row(&[("name", "Berlin desk"), ("parent", &desk)]);
        self.insert(&mut context, "sys_user_group", berlin);
        for user in &setup.users {
            self.add_user(&mut context, user);
        }
        self.seed_tickets(&mut context);
    }

    /// Adds a user with roles and groups; answers the sys_id.
    pub(super) fn add_user(&mut self, context: &mut Context, user: &User) -> String {
        let or = |given: &str, other: String| if given.is_empty() { other } else { given.to_owned() };
        let (first, last) = user.user_name.split_once('.').unwrap_or((&user.user_name, "Example"));
        let id = super::instance::sys_id(&format!("sys_user/{}", user.user_name));
        let flag = |on: bool| if on { "true" } else { "false" };
        let values = row(&[
            ("sys_id", &id),
            ("user_name", &user.user_name),
            ("email", &or(&user.email, format!("{}@example.com", user.user_name))),
            ("first_name", first),
            ("last_name", last),
            ("name", &format!("{first} {last}")),
            ("country", "DE"),
            ("active", flag(!user.inactive)),
            ("locked_out", flag(user.locked_out)),
            ("failed_attempts", if user.locked_out { "5" } else { "0" }),
            ("password_needs_reset", flag(user.needs_reset)),
            ("user_password", &hashed(&or(&user.password, SEED_PASSWORD.to_owned()))),
            ("source", &user.source),
        ]);
        self.insert(context, "sys_user", values);
        for role in &user.roles {
            let role = self.named(context, "sys_user_role", role);
            let held = row(&[("user", &id), ("role", &role), ("state", "active")]);
            self.insert(context, "sys_user_has_role", held);
        }
        for group in &user.groups {
            let group = self.named(context, "sys_user_group", group);
            self.insert(context, "sys_user_grmember", row(&[("user", &id), ("group", &group)]));
        }
        id
    }

    /// The row of this name, made where it is not there.
    fn named(&mut self, context: &mut Context, table: &'static str, name: &str) -> String {
        let known = self
            .rows(table)
            .iter()
            .find(|row| super::instance::text(row, "name") == name)
            .map(|row| super::instance::text(row, "sys_id").to_owned());
        known.unwrap_or_else(|| self.insert(context, table, row(&[("name", name)])))
    }

    fn seed_choices(&mut self, context: &mut Context) {
        let numbers = match self.has(Quirk::StateNumbersDiffer) {
            true => ["10", "20", "30", "60", "70", "80"],
            false => ["1", "2", "3", "6", "7", "8"],
        };
        let labels = ["New", "In Progress", "On Hold", "Resolved", "Closed", "Canceled"];
        let mut choices: Vec<(&str, &str, &str, &str)> = numbers
            .iter()
            .zip(labels)
            .map(|(value, label)| ("incident", "state", *value, label))
            .collect();
        if !self.has(Quirk::CategoryMissing) {
            choices.push(("incident", "category", "password_reset", "Password Reset"));
        }
        choices.extend([
            ("incident", "category", "network", "Network"),
            ("incident", "close_code", "Solution provided", "Solution provided"),
            ("incident", "close_code", "user_error", "User error"),
            ("interaction", "state", "work_in_progress", "Work in Progress"),
            ("interaction", "state", "closed_complete", "Closed Complete"),
            ("interaction", "type", "phone", "Phone"),
        ]);
        for (name, element, value, label) in choices {
            let values = row(&[("name", name), ("element", element), ("value", value), ("label", label)]);
            self.insert(context, "sys_choice", values);
        }
    }

    fn seed_tickets(&mut self, context: &mut Context) {
        let id = |user: &str| super::instance::sys_id(&format!("sys_user/{user}"));
        let (caller, agent, other) = (id("ada.byte"), id("grace.desk"), id("ivan.itil"));
        let working = self
            .stored("incident", "state", "In Progress")
            .unwrap_or("2")
            .to_owned();
        let category = self
            .stored("incident", "category", "Password Reset")
            .unwrap_or("inquiry")
            .to_owned();
        for (number, category, agent) in [
            ("INC0010001", category.as_str(), &agent),
            ("INC0010002", "network", &agent),
            ("INC0010003", category.as_str(), &other),
        ] {
            let values = row(&[
                ("number", number),
                ("state", &working),
                ("incident_state", &working),
                ("active", "true"),
                ("category", category),
                ("assigned_to", agent),
                ("caller_id", &caller),
                ("short_description", "cannot sign in"),
            ]);
            self.insert(context, "incident", values);
        }
        let values = row(&[
            ("number", "IMS0000001"),
            ("state", "work_in_progress"),
            ("type", "phone"),
            ("assigned_to", &agent),
            ("opened_for", &caller),
        ]);
        self.insert(context, "interaction", values);
    }
}

fn row(values: &[(&str, &str)]) -> Row {
    values
        .iter()
        .map(|(field, value)| ((*field).to_owned(), (*value).to_owned()))
        .collect()
}
