//! The organisation: users, groups, system log, outbox, settings, and the one way in which a user is changed.
//!
//! [`Okta::edit`] is that way: it works on a copy, stores it only when the operation succeeds, and derives the changes
//! for the truth log from the two states.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::auth::{Caller, OAuthApp, Token};
use super::errors::{ApiError, ApiResult};
use super::groups::Group;
use super::logs::{Event, SystemLog};
use super::oauth::OAuthState;
use super::quirks::Quirk;
use super::rate_limit::{RateLimitSettings, RateLimits};
use super::user::{Status, User};
use crate::directory::{Accounts, LockoutPolicy, PasswordPolicy, stable_id};
use crate::quirks::Quirks;
use crate::service::Effects;
use crate::truth::Change;

/// Rules of the organisation that a test may set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    pub quirks: Quirks<Quirk>,
    pub lockout: LockoutPolicy,
    pub password: PasswordPolicy,
    pub rate_limits: RateLimitSettings,
    /// Milliseconds until a change is seen by `search`.
    pub search_lag_ms: u64,
    /// Milliseconds until a change is seen by reads of one user, where they lag.
    pub read_lag_ms: u64,
    /// Seconds for which a one-time link is good.
    pub link_seconds: u64,
    /// Milliseconds that an asynchronous transition takes.
    pub transition_ms: u64,
    /// Milliseconds between an event and its appearance in the system log.
    pub log_delay_ms: u64,
    /// Seconds for which an access token is good.
    pub access_token_seconds: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quirks: Quirks::default(),
            lockout: LockoutPolicy::default(),
            password: PasswordPolicy::default(),
            rate_limits: RateLimitSettings::default(),
            search_lag_ms: 0,
            read_lag_ms: 2000,
            link_seconds: 3600,
            transition_ms: 5000,
            log_delay_ms: 0,
            access_token_seconds: 3600,
        }
    }
}

/// A mail that the organisation sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    pub sent: Timestamp,
    pub to: String,
    /// Immutable id of the user.
    pub user: String,
    /// `reset-password`, `forgot-password`, `activation`, `deactivation`.
    pub template: String,
    /// The one-time link in it.
    pub link: Option<String>,
}

/// What an operation knows about the call that it serves, and the changes that it committed so far.
#[derive(Debug)]
pub struct Context {
    pub now: Timestamp,
    /// Scheme and host for links.
    pub base: String,
    pub caller: Option<Caller>,
    pub request_id: String,
    /// Id of the user that the call is about.
    pub account: Option<String>,
    /// Whether a changing operation was accepted.
    pub applied: bool,
    pub changes: Vec<Change>,
}

impl Context {
    /// A context for something that happens without an API caller.
    pub fn internal(now: Timestamp, base: &str) -> Self {
        Self {
            now,
            base: base.to_owned(),
            caller: None,
            request_id: String::new(),
            account: None,
            applied: false,
            changes: Vec::new(),
        }
    }

    /// What the call came to.
    pub fn into_effects(self) -> Effects {
        Effects {
            account: self.account,
            applied: self.applied,
            changes: self.changes,
        }
    }

    /// The caller's own user id.
    pub fn caller_user(&self) -> Option<&str> {
        self.caller.as_ref().and_then(|caller| caller.user.as_deref())
    }
}

/// Earlier states of a user (none before it was there), each with the time at which it was replaced.
type FormerStates = VecDeque<(Timestamp, Option<Arc<User>>)>;

/// A simulated organisation.
#[derive(Debug)]
pub struct Okta {
    pub settings: Settings,
    pub tokens: Vec<Token>,
    pub apps: Vec<OAuthApp>,
    pub(super) org_id: String,
    /// Id of the only user type.
    pub(super) user_type_id: String,
    pub(super) users: Accounts<Arc<User>>,
    pub(super) groups: BTreeMap<String, Group>,
    /// Profile attributes beyond the base schema.
    pub(super) custom_attributes: HashSet<String>,
    /// Earlier states of recently changed users with the time at which each was replaced, for searches and reads that lag.
    pub(super) former: HashMap<String, FormerStates>,
    pub(super) log: SystemLog,
    pub(super) mails: Vec<Mail>,
    pub(super) rate_limits: RateLimits,
    pub(super) oauth: OAuthState,
    /// Users whose state changes by itself at some time.
    timed: HashSet<String>,
}

impl Okta {
    /// An empty organisation whose ids derive from `name`.
    pub fn new(name: &str, settings: Settings) -> Self {
        let org_id = stable_id("00o", name, 20);
        Self {
            settings,
            tokens: Vec::new(),
            apps: Vec::new(),
            user_type_id: stable_id("oty", &org_id, 20),
            org_id,
            users: Accounts::default(),
            groups: BTreeMap::new(),
            custom_attributes: HashSet::new(),
            former: HashMap::new(),
            log: SystemLog::default(),
            mails: Vec::new(),
            rate_limits: RateLimits::default(),
            oauth: OAuthState::default(),
            timed: HashSet::new(),
        }
    }

    /// Whether a quirk is on.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.settings.quirks.has(quirk)
    }

    /// Id of the organisation.
    pub fn org_id(&self) -> &str {
        &self.org_id
    }

    /// Adds an API token; its owner must exist.
    ///
    /// # Errors
    /// When there is no such owner.
    pub fn add_token(&mut self, mut token: Token) -> anyhow::Result<()> {
        if let Some(owner) = &token.owner {
            let user = self.user(owner).ok_or_else(|| {
                anyhow::anyhow!("token {} belongs to {owner}, who is not among the users", token.name)
            })?;
            token.owner = Some(user.id.clone());
        }
        self.tokens.retain(|known| known.value != token.value);
        self.tokens.push(token);
        Ok(())
    }

    /// Lets searches see every user as of now.
    pub fn catch_up_index(&mut self) {
        self.former.clear();
    }

    /// Sets the rules of the organisation.
    pub fn configure(&mut self, settings: Settings) {
        self.settings = settings;
        for user in self.users.all().to_vec() {
            self.watch_timers(&user);
        }
    }

    /// The mails sent so far.
    pub fn mails(&self) -> &[Mail] {
        &self.mails
    }

    /// All users in order of creation.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.all().iter().map(Arc::as_ref)
    }

    /// A user by id or login.
    pub fn user(&self, id_or_login: &str) -> Option<&User> {
        self.stored(id_or_login).map(Arc::as_ref)
    }

    /// A user by id or login, to be held while others change.
    pub(super) fn stored(&self, id_or_login: &str) -> Option<&Arc<User>> {
        self.users
            .by_id(id_or_login)
            .or_else(|| self.users.by_login(id_or_login))
    }

    /// Adds a user that has a free id and login.
    ///
    /// # Errors
    /// When the id or login is taken.
    pub fn insert(&mut self, user: User, now: Timestamp) -> anyhow::Result<()> {
        let (id, login) = (user.id.clone(), user.text("login").to_owned());
        self.custom_attributes.extend(user.profile.keys().cloned());
        self.watch_timers(&user);
        anyhow::ensure!(self.users.insert(Arc::new(user)), "the id or login of {login} is taken");
        self.remember(&id, None, now);
        Ok(())
    }

    /// Changes a user: runs `change` on a copy and stores it only when that succeeds.
    ///
    /// # Errors
    /// The operation's own refusal; nothing is changed then.
    pub fn edit<T>(
        &mut self,
        context: &mut Context,
        id: &str,
        change: impl FnOnce(&mut User, &mut Context) -> ApiResult<T>,
    ) -> ApiResult<T> {
        let before = Arc::clone(self.users.by_id(id).ok_or_else(|| ApiError::not_found(id))?);
        let mut after = User::clone(&before);
        let result = change(&mut after, context)?;
        context.applied = true;
        let changes = after.changes_since(&before);
        if !changes.is_empty() {
            after.last_updated = context.now;
            after.version += 1;
            context.changes.extend(changes);
            self.watch_timers(&after);
            self.remember(id, Some(before), context.now);
            self.users.replace(Arc::new(after));
        }
        Ok(result)
    }

    /// Sends a mail and notes it as a change of the user's.
    pub(super) fn send(&mut self, context: &mut Context, user: &User, template: &str, link: Option<String>) {
        context.changes.push(Change {
            account: user.id.clone(),
            field: "mail".into(),
            before: None,
            after: Some(template.to_owned()),
        });
        self.mails.push(Mail {
            sent: context.now,
            to: user.text("email").to_owned(),
            user: user.id.clone(),
            template: template.to_owned(),
            link,
        });
    }

    /// Writes an event about a user to the system log.
    pub(super) fn record(&mut self, context: &Context, user: &User, event: Event) {
        let delay = SignedDuration::from_millis(i64::try_from(self.settings.log_delay_ms).unwrap_or(i64::MAX / 1000));
        let actor_only = self.has(Quirk::LockEventActorOnly);
        self.log.write(context, user, event, context.now + delay, actor_only);
    }

    fn watch_timers(&mut self, user: &User) {
        let may_unlock = user.lockout.since.is_some() && self.settings.lockout.seconds.is_some();
        if user.transition.is_some() || may_unlock {
            self.timed.insert(user.id.clone());
        } else {
            self.timed.remove(&user.id);
        }
    }

    /// Keeps an earlier state (none for a new user) as long as a search or a read that lags needs it.
    fn remember(&mut self, id: &str, before: Option<Arc<User>>, now: Timestamp) {
        let lag = self.settings.search_lag_ms.max(self.read_lag_ms());
        if lag == 0 {
            self.former.remove(id);
            return;
        }
        let horizon = now - SignedDuration::from_millis(i64::try_from(lag).unwrap_or(0));
        let states = self.former.entry(id.to_owned()).or_default();
        states.push_back((now, before));
        while states.front().is_some_and(|(replaced, _)| *replaced < horizon) {
            states.pop_front();
        }
    }

    /// By how much reads of one user lag.
    pub(super) fn read_lag_ms(&self) -> u64 {
        match self.has(Quirk::ReadsLag) {
            true => self.settings.read_lag_ms,
            false => 0,
        }
    }

    /// Lets time pass: ends locks that ran out and finishes transitions. Returns what changed.
    pub(super) fn pass_time(&mut self, now: Timestamp) -> Vec<Change> {
        if self.timed.is_empty() {
            return Vec::new();
        }
        let mut context = Context::internal(now, "");
        for id in self.timed.clone() {
            self.settle_user(&mut context, &id);
        }
        context.changes
    }

    fn settle_user(&mut self, context: &mut Context, id: &str) {
        let policy = self.settings.lockout.clone();
        let now = context.now;
        let Some(user) = self.users.by_id(id) else { return };
        let unlocks = user.status == Status::LockedOut && user.lockout.has_expired(&policy, now);
        let finishes = user.transition.is_some_and(|transition| transition.done <= now);
        if !unlocks && !finishes {
            return;
        }
        let settled = self.edit(context, id, |user, _| {
            if unlocks {
                user.lockout.clear();
                user.enter(Status::Active, now);
            }
            if let Some(transition) = user.transition.take_if(|_| finishes) {
                user.enter(transition.to, now);
            }
            Ok(user.clone())
        });
        if let (Ok(user), true) = (settled, unlocks) {
            self.record(
                context,
                &user,
                Event::success("user.account.unlock", "Account unlocked automatically"),
            );
        }
    }
}
