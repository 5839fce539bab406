//! The tenant: its agents, settings, and the one way in which an agent is changed.
//!
//! [`Cxone::edit`] is that way: it works on a copy and derives the changes for the truth log from the two states.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::oauth::Grant;
use super::quirks::Quirk;
use super::seed::{Person, Setup};
use crate::directory::{Password, PasswordPolicy};
use crate::quirks::Quirks;
use crate::service::Effects;
use crate::truth::Change;

/// Rules of the tenant that a test may set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    pub quirks: Quirks<Quirk>,
    /// Wrong sign-ins in a row that lock somebody.
    pub lock_after: u32,
    /// Seconds after an unlock within which somebody must sign in.
    pub relock_seconds: i64,
    /// Days without a sign-in that lock somebody; absent: the feature is off.
    pub inactivity_days: Option<u32>,
    pub password: PasswordPolicy,
    /// Seconds for which an access token is good.
    pub token_seconds: i64,
    /// Rows of a page at most.
    pub page: usize,
    /// Calls a second; absent: not limited.
    pub per_second: Option<u32>,
    /// Milliseconds until a write that was accepted with 202 is carried out.
    pub accepted_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quirks: Quirks::default(),
            lock_after: 5,
            relock_seconds: 2 * 24 * 3600,
            inactivity_days: None,
            password: PasswordPolicy {
                symbol: true,
                exclude_login: false,
                ..PasswordPolicy::default()
            },
            token_seconds: 3600,
            page: 100,
            per_second: None,
            accepted_ms: 500,
        }
    }
}

/// How UserHub sees somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HubStatus {
    Unregistered,
    Pending,
    #[default]
    Active,
    Blocked,
    Deleted,
}

/// An employee who is an agent: what both stores hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    pub agent_id: u64,
    pub user_id: String,
    pub user_name: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub active: bool,
    pub locked: bool,
    pub status: HubStatus,
    pub role: String,
    pub authenticator: String,
    /// Issuer of whoever signs in elsewhere.
    pub issuer: String,
    pub failures: u32,
    pub sessions: u32,
    pub last_login: Option<Timestamp>,
    pub last_updated: Timestamp,
    /// When the lock was cleared, until the next sign-in.
    pub unlocked: Option<Timestamp>,
    #[serde(skip)]
    pub(super) password: Password,
}

impl Agent {
    /// Whether the password must be changed at the next sign-in.
    pub fn must_change(&self) -> bool {
        self.password.must_change
    }

    /// Stand-in for the password in force, as in the truth log.
    pub fn password(&self) -> Option<String> {
        self.password.fingerprint()
    }

    /// What the truth log compares.
    fn facts(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("active", self.active.to_string()),
            ("locked", self.locked.to_string()),
            ("status", format!("{:?}", self.status)),
            ("role", self.role.clone()),
            ("userName", self.user_name.clone()),
            ("emailAddress", self.email.clone()),
            ("failures", self.failures.to_string()),
            ("sessions", self.sessions.to_string()),
            ("mustChange", self.password.must_change.to_string()),
            ("password", self.password.fingerprint().unwrap_or_default()),
        ])
    }
}

/// A key by which an API user signs in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
    /// User name of its owner.
    pub owner: String,
}

/// What an operation knows about the call that it serves, and what it did so far.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) now: Timestamp,
    pub(super) effects: Effects,
}

impl Context {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            now,
            effects: Effects::default(),
        }
    }
}

/// A simulated tenant.
#[derive(Debug)]
pub struct Cxone {
    pub settings: Settings,
    pub(super) tenant_id: String,
    pub(super) client: (String, String),
    pub(super) keys: Vec<AccessKey>,
    pub(super) agents: Vec<Agent>,
    pub(super) grants: Vec<Grant>,
    /// Second and number of calls in it.
    pub(super) window: (i64, u32),
    /// Resets that were accepted with 202, and when they are carried out.
    pub(super) accepted: Vec<(Timestamp, u64, String, bool)>,
}

impl Cxone {
    /// A tenant as the set-up describes it.
    pub fn new(setup: Setup, now: Timestamp) -> Self {
        let mut tenant = Self {
            settings: setup.settings,
            tenant_id: uuid(&format!("tenant/{}", setup.tenant)),
            client: (setup.client_id, setup.client_secret),
            keys: setup.keys,
            agents: Vec::new(),
            grants: Vec::new(),
            window: (0, 0),
            accepted: Vec::new(),
        };
        let mut context = Context::new(now);
        for person in &setup.people {
            tenant.add(&mut context, person);
        }
        tenant
    }

    /// Whether a quirk is on.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.settings.quirks.has(quirk)
    }

    /// An agent by number, UUID or user name.
    pub(super) fn agent(&self, key: &str) -> Option<&Agent> {
        let is = |agent: &&Agent| {
            let texts = [&agent.user_id, &agent.user_name];
            agent.agent_id.to_string() == key || texts.iter().any(|text| text.eq_ignore_ascii_case(key))
        };
        self.agents.iter().find(is)
    }

    /// Whether an agent is hidden from the caller's role.
    pub(super) fn is_hidden(&self, agent: &Agent) -> bool {
        self.has(Quirk::AgentsHidden) && agent.agent_id % 2 == 1
    }

    /// Adds somebody; answers the agent's number.
    pub(super) fn add(&mut self, context: &mut Context, person: &Person) -> u64 {
        let agent_id = 100_001 + self.agents.len() as u64;
        let now = context.now;
        let local = person.user_name.split('@').next().unwrap_or_default();
        let (first, last) = local.split_once('.').unwrap_or((local, "Person"));
        let email = match person.email.as_str() {
            "" => person.user_name.clone(),
            email => email.to_owned(),
        };
        self.agents.push(Agent {
            agent_id,
            user_id: uuid(&format!("{}/{agent_id}", self.tenant_id)),
            user_name: person.user_name.clone(),
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            email,
            active: !person.inactive,
            locked: person.locked,
            status: person.status,
            role: person.role.clone().unwrap_or_else(|| "Agent".into()),
            authenticator: person
                .authenticator
                .clone()
                .unwrap_or_else(|| "default-authenticator".into()),
            issuer: person.issuer.clone().unwrap_or_default(),
            failures: 0,
            sessions: 0,
            last_login: Some(now - SignedDuration::from_hours(24)),
            last_updated: now,
            unlocked: None,
            password: Password::new(Some(crate::seed::SEED_PASSWORD.to_owned()), Some(now)),
        });
        context.effects.changes.push(Change {
            account: agent_id.to_string(),
            field: "created".into(),
            before: None,
            after: Some(person.user_name.clone()),
        });
        agent_id
    }

    /// Changes an agent.
    pub(super) fn edit(&mut self, context: &mut Context, agent_id: u64, change: impl FnOnce(&mut Agent)) {
        let Some(stored) = self.agents.iter_mut().find(|agent| agent.agent_id == agent_id) else {
            return;
        };
        let before = stored.facts();
        change(stored);
        let after = stored.facts();
        let changed = after.iter().filter(|(field, value)| before.get(*field) != Some(*value));
        let changes: Vec<Change> = changed
            .map(|(field, value)| Change {
                account: agent_id.to_string(),
                field: (*field).to_owned(),
                before: before.get(field).cloned(),
                after: Some(value.clone()),
            })
            .collect();
        if !changes.is_empty() {
            stored.last_updated = context.now;
        }
        context.effects.changes.extend(changes);
    }

    /// Lets time pass: locks who did not sign in, and carries out what was accepted.
    pub(super) fn pass_time(&mut self, now: Timestamp) -> Vec<Change> {
        let mut context = Context::new(now);
        let due = |agent: &&Agent| !agent.locked && self.is_idle(agent, now);
        let idle: Vec<u64> = self.agents.iter().filter(due).map(|agent| agent.agent_id).collect();
        for id in idle {
            self.edit(&mut context, id, |agent| (agent.locked, agent.unlocked) = (true, None));
        }
        let (due, later) = std::mem::take(&mut self.accepted)
            .into_iter()
            .partition::<Vec<_>, _>(|(at, ..)| *at <= now);
        self.accepted = later;
        for (_, id, password, must_change) in due {
            self.edit(&mut context, id, |agent| {
                agent.password.set(&password, now, must_change)
            });
        }
        context.effects.changes
    }

    fn is_idle(&self, agent: &Agent, now: Timestamp) -> bool {
        let since = |at: Timestamp, seconds: i64| now >= at + SignedDuration::from_secs(seconds);
        let unlocked = agent.unlocked.filter(|_| self.has(Quirk::TwoDayRule));
        let days = self.settings.inactivity_days.map(|days| i64::from(days) * 24 * 3600);
        unlocked.is_some_and(|at| since(at, self.settings.relock_seconds))
            || (agent.unlocked.is_none()
                && days
                    .zip(agent.last_login)
                    .is_some_and(|(seconds, at)| since(at, seconds)))
    }
}

/// A UUID, the same one for the same seed.
pub(super) fn uuid(seed: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(seed.as_bytes()));
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}
