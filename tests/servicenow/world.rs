//! A sandbox and the provider that talks to it. When it goes, it asserts that nothing was sent that never may be.

use crate::client;
pub use crate::client::{call, email, failed, id, login, refused};
use readmit::{
    api::{
        common::{AccountSelector, SecretKeyRef},
        provider::ServiceNowProvider,
    },
    directory::{Directory, Target, servicenow::ServiceNow, throttle::Throttle},
    domain::account::{AccountRead, Failure, ReadFailure, Sent, Step},
    secret::Secret,
};
use sandbox::{
    Entry, Options, Origin, Sandbox,
    servicenow::{Instance, OPERATOR, OPERATOR_PASSWORD, Quirk, Row, Setup},
};
use std::time::Duration;

/// A password that meets the instance's policy, and that JSON and forms must encode.
pub const NEW_PASSWORD: &str = "Neu-\"Gesetzt\\&=+%-4711";

/// Every call that the provider may make: method, pattern of the path, and the sets of members that a body may have.
const ALLOWED: &[(&str, &str, &[&[&str]])] = &[
    ("POST", "/oauth_token.do", &[&[]]),
    ("GET", "/api/now/v2/table/*", &[&[]]),
    ("GET", "/api/now/v2/table/*/*", &[&[]]),
    (
        "PATCH",
        "/api/now/v2/table/sys_user/*",
        &[
            &["failed_attempts", "locked_out"],
            &["password_needs_reset"],
            &["user_password"],
        ],
    ),
    (
        "PATCH",
        "/api/now/v2/table/incident/*",
        &[
            &["work_notes"],
            &["correlation_display", "correlation_id"],
            &["correlation_display", "correlation_id", "work_notes"],
            &["close_code", "close_notes", "state"],
            &[
                "close_code",
                "close_notes",
                "correlation_display",
                "correlation_id",
                "state",
            ],
        ],
    ),
];

pub struct World {
    pub sandbox: Sandbox,
    pub directory: ServiceNow,
}

impl World {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these quirks on.
    pub async fn with(quirks: &[Quirk]) -> Self {
        let world = Self::as_user(OPERATOR, OPERATOR_PASSWORD, quirks).await;
        quirks.iter().for_each(|quirk| world.instance().set_quirk(*quirk, true));
        world
    }

    pub async fn as_user(name: &str, password: &str, at_start: &[Quirk]) -> Self {
        let mut servicenow = Setup::default();
        let when_built = [Quirk::StateNumbersDiffer, Quirk::CategoryMissing];
        for quirk in at_start.iter().filter(|quirk| when_built.contains(quirk)) {
            servicenow.settings.quirks.set(*quirk, true);
        }
        let options = Options {
            servicenow,
            ..Options::default()
        };
        let sandbox = Sandbox::start(options).await.unwrap();
        let directory = basic(&sandbox, name, password);
        World { sandbox, directory }
    }

    pub fn instance(&self) -> Instance<'_> {
        self.sandbox.servicenow()
    }

    pub fn user(&self, name: &str) -> Row {
        self.instance().user(name).unwrap_or_else(|| panic!("no user {name}"))
    }

    pub fn target(&self, name: &str) -> Target {
        Target {
            id: self.user(name)["sys_id"].clone(),
            server: None,
        }
    }

    pub async fn find(&self, key: AccountSelector) -> Result<AccountRead, ReadFailure> {
        self.directory.find(&call(), &key).await
    }

    pub async fn read(&self, name: &str) -> Result<AccountRead, ReadFailure> {
        self.directory.read(&call(), &self.target(name)).await
    }

    /// Does one step to one account.
    pub async fn act(&self, step: Step, name: &str) -> Sent {
        client::act(&self.directory, &self.target(name), step, NEW_PASSWORD).await
    }

    /// What arrived at the API.
    pub fn calls(&self) -> Vec<Entry> {
        let truth = self.sandbox.truth().into_iter();
        truth.filter(|entry| entry.origin == Origin::Api).collect()
    }

    /// What arrived and may change a record.
    pub fn writes(&self) -> Vec<Entry> {
        let is_write = |entry: &Entry| !matches!(entry.method.as_str(), "GET" | "POST");
        self.calls().into_iter().filter(is_write).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for entry in self.calls() {
            let line = format!("{} {}?{}", entry.method, entry.path, entry.query);
            assert!(is_allowed(&entry), "never to be sent: {line} {:?}", entry.body_fields);
            // Only a password is sent as a display value, alone; and labels of what closes a ticket.
            let as_display = entry.query.contains("sysparm_input_display_value=true");
            let password = entry.body_fields.iter().any(|field| field == "user_password");
            let closing = entry.body_fields.iter().any(|field| field == "close_code");
            assert_eq!(as_display, password || closing, "{line}");
            assert!(entry.values_of("script").is_empty(), "a script was evaluated: {line}");
            let agent = entry.user_agent.as_deref().unwrap_or_default();
            assert!(agent.starts_with("readmit/"), "{line}");
        }
    }
}

fn is_allowed(entry: &Entry) -> bool {
    let mut fields: Vec<&str> = entry.body_fields.iter().map(String::as_str).collect();
    fields.sort_unstable();
    ALLOWED.iter().any(|(method, path, bodies)| {
        entry.method == *method && client::fits(path, &entry.path) && bodies.iter().any(|body| **body == *fields)
    })
}

/// A spec without a credential.
pub fn spec(url: &str) -> ServiceNowProvider {
    ServiceNowProvider {
        url: url.into(),
        username: None,
        password_secret_ref: None,
        client_id: None,
        client_secret_ref: None,
        administrator_roles: vec!["admin".into(), "user_admin".into()],
        ca_secret_ref: None,
    }
}

pub fn secret_ref() -> Option<SecretKeyRef> {
    Some(SecretKeyRef {
        name: "servicenow".into(),
        key: None,
    })
}

pub fn connect(spec: &ServiceNowProvider, first: &str, second: Option<&str>) -> Result<ServiceNow, Failure> {
    let secrets = (Secret::new(first.into()), second.map(|text| Secret::new(text.into())));
    ServiceNow::new(
        spec,
        secrets,
        None,
        Throttle::new(60_000, 4),
        Duration::from_secs(3),
        true,
    )
}

/// A provider by name and password.
pub fn basic(sandbox: &Sandbox, name: &str, password: &str) -> ServiceNow {
    let spec = ServiceNowProvider {
        username: Some(name.into()),
        password_secret_ref: secret_ref(),
        ..spec(&sandbox.addresses().servicenow)
    };
    connect(&spec, password, None).unwrap()
}
