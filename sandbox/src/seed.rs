//! Users to start with: the format of a seed file and the built-in set.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::directory::{Lockout, Password, Session, random_token, stable_id};
use crate::okta::Okta;
use crate::okta::user::{AdminRole, Block, LinkKind, OneTimeLink, Provider, Status, Transition, User};

/// A user to create. A seed file is a JSON array of these; only `login` is required.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedUser {
    pub login: String,
    /// The login where absent.
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub first_name: Option<String>,
    #[serde(default)]
    pub last_name: Option<String>,
    /// More profile attributes.
    #[serde(default)]
    pub profile: Map<String, Value>,
    #[serde(default = "active")]
    pub status: Status,
    #[serde(default)]
    pub password: Option<String>,
    #[serde(default)]
    pub must_change_password: bool,
    #[serde(default)]
    pub provider: Provider,
    /// Defaults to whether the provider is a directory.
    #[serde(default)]
    pub profile_mastered: Option<bool>,
    /// Question and answer.
    #[serde(default)]
    pub recovery_question: Option<(String, String)>,
    #[serde(default)]
    pub blocks: Vec<Block>,
    #[serde(default)]
    pub known_devices: Vec<String>,
    /// Open sessions.
    #[serde(default)]
    pub sessions: usize,
    #[serde(default)]
    pub oauth_tokens: u32,
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub roles: Vec<AdminRole>,
    /// A transition that is running and ends after the organisation's transition time.
    #[serde(default)]
    pub transitioning_to: Option<Status>,
}

fn active() -> Status {
    Status::Active
}

impl SeedUser {
    /// A user with that login, status and password and nothing else of note.
    pub fn new(login: &str, status: Status, password: Option<&str>) -> Self {
        let given = json!({"login": login, "status": status, "password": password});
        serde_json::from_value(given).expect("a login, a status and a password make a seed user")
    }

    fn into_user(self, org: &str, now: Timestamp, transition_ms: u64) -> User {
        let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
        let mut profile = self.profile;
        let name = self.login.split(['@', '.', '/']).next().unwrap_or_default().to_owned();
        for (attribute, value) in [
            ("login", self.login.clone()),
            ("email", self.email.unwrap_or_else(|| self.login.clone())),
            ("firstName", self.first_name.unwrap_or_else(|| capitalised(&name))),
            ("lastName", self.last_name.unwrap_or_else(|| "Example".into())),
        ] {
            profile.insert(attribute.to_owned(), Value::from(value));
        }
        let used = !matches!(self.status, Status::Staged | Status::Provisioned);
        let locked = self.status == Status::LockedOut;
        let mut password = Password::new(self.password, used.then(|| ago(30)));
        password.must_change = self.must_change_password || self.status == Status::PasswordExpired;
        let session = |_| Session {
            id: random_token(25),
            opened: ago(1),
            device: "seed".into(),
        };
        let link = (self.status == Status::Recovery).then(|| OneTimeLink {
            token: random_token(20),
            kind: LinkKind::Reset,
            expires: now + SignedDuration::from_hours(1),
        });
        let length = SignedDuration::from_millis(i64::try_from(transition_ms).unwrap_or(0));
        User {
            id: stable_id("00u", &format!("{org}/{}", self.login), 20),
            status: self.status,
            transition: self.transitioning_to.map(|to| Transition { to, done: now + length }),
            created: ago(200),
            activated: (self.status != Status::Staged).then(|| ago(199)),
            status_changed: (self.status != Status::Staged).then(|| ago(1)),
            last_login: used.then(|| ago(2)),
            last_updated: ago(1),
            password_changed: password.changed,
            profile,
            profile_mastered: self
                .profile_mastered
                .unwrap_or_else(|| self.provider.kind.is_directory()),
            provider: self.provider,
            password,
            recovery_question: self.recovery_question,
            lockout: if locked {
                Lockout {
                    failures: 5,
                    since: Some(ago(1)),
                }
            } else {
                Lockout::default()
            },
            blocks: self.blocks,
            sessions: (0..self.sessions).map(session).collect(),
            oauth_tokens: self.oauth_tokens,
            known_devices: self.known_devices,
            links: link.into_iter().collect(),
            groups: self.groups,
            roles: self.roles,
            version: 1,
        }
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

impl Okta {
    /// Creates a user.
    ///
    /// # Errors
    /// When the login is taken.
    pub fn seed(&mut self, seed: SeedUser, now: Timestamp) -> anyhow::Result<String> {
        for group in &seed.groups {
            self.ensure_group(group, now);
        }
        let user = seed.into_user(self.org_id(), now, self.settings.transition_ms);
        let id = user.id.clone();
        self.insert(user, now)?;
        Ok(id)
    }
}

/// Password of every built-in user who has one.
pub const SEED_PASSWORD: &str = "Correct-Horse-7";

/// The built-in users: one in each status and one for each peculiarity.
pub fn built_in() -> Vec<SeedUser> {
    let users = json!([
        {"login": "alice@example.com", "status": "LOCKED_OUT", "sessions": 1, "profile": {"department": "Sales", "countryCode": "DE"}},
        {"login": "bob@example.com", "status": "ACTIVE", "sessions": 2, "oauthTokens": 1,
         "recoveryQuestion": ["First pet?", "Rex"], "knownDevices": ["seed"]},
        {"login": "carol@example.com", "status": "PASSWORD_EXPIRED"},
        {"login": "dora@example.com", "status": "DEPROVISIONED", "password": null},
        {"login": "erin@example.com", "status": "STAGED", "password": null},
        {"login": "frank@example.com", "status": "SUSPENDED"},
        {"login": "grace@example.com", "status": "RECOVERY"},
        {"login": "heidi@example.com", "status": "PROVISIONED", "password": null},
        {"login": "ivan@example.com", "status": "ACTIVE", "blocks": ["UNKNOWN_DEVICES"], "knownDevices": ["laptop"]},
        {"login": "judy@example.com", "status": "LOCKED_OUT", "roles": [{"type": "SUPER_ADMIN"}]},
        {"login": "ken@example.com", "status": "LOCKED_OUT", "provider": {"type": "ACTIVE_DIRECTORY", "name": "corp.example.com"},
         "profile": {"samAccountName": "ken", "objectGUID": "3f2504e0-4f89-11d3-9a0c-0305e82c3301"}},
        {"login": "lena@example.com", "status": "LOCKED_OUT", "provider": {"type": "LDAP", "name": "ldap.example.com"},
         "profile": {"uid": "lena"}},
        {"login": "mike@example.com", "status": "ACTIVE", "password": null, "provider": {"type": "FEDERATION", "name": "FEDERATION"}},
        {"login": "nina@example.com", "email": "nina@example.com", "status": "LOCKED_OUT"},
        {"login": "nina-admin@example.com", "email": "nina@example.com", "status": "ACTIVE"},
        {"login": "team/oscar@example.com", "email": "oscar@example.com", "status": "LOCKED_OUT"},
        {"login": "per%cent@example.com", "email": "percent@example.com", "status": "LOCKED_OUT"},
        {"login": "peggy@example.com", "status": "STAGED", "transitioningTo": "ACTIVE"},
        {"login": "quinn@example.com", "status": "ACTIVE", "provider": {"type": "IMPORT", "name": "IMPORT"}},
        {"login": "sybil@example.com", "status": "ACTIVE", "password": null, "provider": {"type": "SOCIAL", "name": "GOOGLE"}},
        {"login": "trent@example.com", "status": "LOCKED_OUT", "roles": [{"type": "CUSTOM", "throughGroup": true}], "groups": ["Help desk"]},
        {"login": "victor@example.com", "status": "LOCKED_OUT", "groups": ["Executives", "Everyone"]},
        {"login": "operator@example.com", "status": "ACTIVE", "roles": [{"type": "ORG_ADMIN"}], "sessions": 1}
    ]);
    let mut users: Vec<SeedUser> = serde_json::from_value(users).expect("the built-in seed is well-formed");
    let without = ["dora", "erin", "heidi", "mike", "sybil"];
    for user in &mut users {
        if !without.iter().any(|name| user.login.starts_with(name)) {
            user.password = Some(SEED_PASSWORD.to_owned());
        }
    }
    users
}

/// Numbered locked users, `user-00001@example.com` and on, for load.
pub fn numbered(count: usize, status: Status) -> impl Iterator<Item = SeedUser> {
    (1..=count).map(move |n| SeedUser::new(&format!("user-{n:05}@example.com"), status, Some(SEED_PASSWORD)))
}
