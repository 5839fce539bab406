//! The directories of a lane: people to act on, the ways in which directories misbehave, and what they really did.

use crate::{
    case::{Change, Fault, Upstream},
    history::{Effect, Event, Origin, Step},
};
use anyhow::{Context, Result, bail};
use aws_lc_rs::digest;
use sandbox::{ADMIN_TOKEN, Entry, FaultKind, SEED_PASSWORD, Sandbox, SeedUser, Status};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use testkit::slapd::{LoggedWrite, OPERATOR_DN, ROOT_DN, Slapd, User, initial_password, user_dn};
use tokio::runtime::Runtime;

/// A late commit comes so much later: after the deadline, within the quarantine.
const LATE: u64 = 900;
/// An answer that comes so late is after the timeout.
const SLOW: u64 = 1200;

/// A slow reading takes so long: less than the timeout.
const SLOW_READ: u64 = 350;

/// The directories of a lane.
pub struct Upstreams {
    /// The simulated Okta.
    pub okta: Sandbox,
    /// The real slapd, where a case needs it.
    pub slapd: Option<Slapd>,
    /// Writes to each person's entry by the operator, as far as they have been read, by DN.
    written: BTreeMap<String, Vec<LoggedWrite>>,
}

/// Somebody that a case is about.
#[derive(Clone, Debug)]
pub struct Person {
    /// Where.
    pub upstream: Upstream,
    /// What they sign in with.
    pub login: String,
    /// The immutable id, where the credentials live.
    pub id: String,
    /// The id of the account that requests name, where that is another one.
    pub named: Option<String>,
}

impl Person {
    /// The uid in slapd.
    fn uid(&self) -> &str {
        self.login.split('@').next().unwrap_or_default()
    }
}

impl Upstreams {
    /// Starts a sandbox and, for these people, a slapd.
    ///
    /// # Errors
    /// When one does not start.
    pub fn start(runtime: &Runtime, org: &str, ldap_people: &[String]) -> Result<Self> {
        let options = sandbox::Options {
            org: org.to_owned(),
            ..sandbox::Options::default()
        };
        let okta = runtime.block_on(Sandbox::start(options)).context("start the sandbox")?;
        // Its headers would make operators wait.
        okta.configure(|settings| {
            settings.rate_limits.default_limit = 1_000_000;
            settings.rate_limits.limits.clear();
        });
        let slapd = match ldap_people {
            [] => None,
            people => Some(Slapd::start(slapd_options(people))?),
        };
        Ok(Upstreams {
            okta,
            slapd,
            written: BTreeMap::new(),
        })
    }

    fn slapd(&self) -> Result<&Slapd> {
        self.slapd.as_ref().context("this lane has no slapd")
    }

    /// Makes somebody ready for a case: there, locked or not. With a marker in slapd where `marked`.
    ///
    /// # Errors
    /// When the directory does not take it.
    pub fn cast(&self, upstream: Upstream, login: &str, locked: bool, marked: bool) -> Result<Person> {
        let mut person = Person {
            upstream,
            login: login.to_owned(),
            id: String::new(),
            named: None,
        };
        if upstream == Upstream::Okta {
            let status = if locked { Status::LockedOut } else { Status::Active };
            person.id = self.seed(SeedUser::new(login, status, Some(SEED_PASSWORD)))?;
            return Ok(person);
        }
        let (slapd, uid) = (self.slapd()?, person.uid());
        if marked {
            set(slapd, uid, "pwdChangedTime", "20260101000000Z")?;
        }
        if locked {
            slapd.lock(uid)?;
        }
        let id = slapd.attribute(&user_dn(uid), "entryUUID")?;
        person.id = id.context("every entry has an entryUUID")?;
        if upstream == Upstream::Routed {
            let user = json!({
                "login": login, "email": login, "status": "ACTIVE", "provider": {"type": "LDAP", "name": "slapd"},
                "profile": {"ldapUid": person.uid(), "ldapId": person.id},
            });
            person.named = Some(self.seed(serde_json::from_value(user).context("a seed")?)?);
        }
        Ok(person)
    }

    fn seed(&self, user: SeedUser) -> Result<String> {
        let ids = self.okta.seed([user])?;
        ids.into_iter().next().context("the sandbox gives an id")
    }

    /// Locks somebody's account in Okta, whose credentials live elsewhere.
    ///
    /// # Errors
    /// When the sandbox has no such account.
    pub fn lock_named(&self, person: &Person) -> Result<()> {
        self.okta.lock(&person.login)
    }

    /// Makes the next call about somebody whose path ends so go wrong.
    ///
    /// # Errors
    /// When that directory cannot misbehave like this.
    pub fn misbehave(&self, person: &Person, path: &str, fault: Fault) -> Result<()> {
        if person.upstream != Upstream::Okta {
            return match fault {
                Fault::Frozen => self.slapd()?.signal("STOP"),
                other => bail!("slapd cannot do {other:?}"),
            };
        }
        let kind = match fault {
            Fault::LostBeforeCommit => FaultKind::ReplyLostBeforeCommit,
            Fault::LostAfterCommit => FaultKind::ReplyLostAfterCommit,
            Fault::LateCommit => FaultKind::LateCommit { ms: LATE },
            Fault::ErrorApplied => FaultKind::ErrorApplied,
            Fault::ErrorNotApplied => FaultKind::ErrorNotApplied,
            Fault::RateLimited => FaultKind::RateLimited {
                limit: 10,
                reset_seconds: 1,
            },
            Fault::Unavailable => FaultKind::Unavailable,
            Fault::Malformed => FaultKind::MalformedJson,
            Fault::SlowAnswer => FaultKind::LatencyAfterCommit { ms: SLOW },
            Fault::Frozen => bail!("the sandbox cannot be frozen"),
        };
        let method = if path == "/sessions" { "DELETE" } else { "POST" };
        let path = format!("/api/v1/users/{}{path}", person.id);
        self.okta.inject_once(method, &path, kind);
        Ok(())
    }

    /// Makes every reading of somebody in Okta take most of the time that it may.
    pub fn slow_down(&self, person: &Person) {
        let path = format!("/api/v1/users/{}", person.id);
        self.okta.inject(sandbox::Fault::always(
            "GET",
            &path,
            FaultKind::Latency { ms: SLOW_READ },
        ));
    }

    /// Lets everybody go on, and forgets what was to go wrong.
    ///
    /// # Errors
    /// When slapd cannot be signalled.
    pub fn behave(&self) -> Result<()> {
        self.okta.clear_faults();
        self.slapd.as_ref().map_or(Ok(()), |slapd| slapd.signal("CONT"))
    }

    /// What people do themselves in the middle of a case.
    ///
    /// # Errors
    /// When the directory refuses.
    pub fn change(&self, person: &Person, change: Change) -> Result<()> {
        match (change, person.upstream) {
            (Change::LockAgain, Upstream::Okta) => self.okta.lock(&person.login),
            (Change::LockAgain, Upstream::OpenLdap | Upstream::Routed) => self.slapd()?.lock(person.uid()),
            (Change::ClearNamed, Upstream::Routed) => self.okta.unlock(&person.login),
            (Change::OwnPassword, Upstream::OpenLdap | Upstream::Routed) => {
                let (dn, old) = (user_dn(person.uid()), initial_password(person.uid()));
                let mut tool = self.slapd()?.tool("ldappasswd", &dn, &old);
                let output = tool
                    .args(["-a", &old, "-s", "Owners-own-1"])
                    .output()
                    .context("run ldappasswd")?;
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                output
                    .status
                    .success()
                    .then_some(())
                    .with_context(|| format!("ldappasswd: {said}"))
            }
            (change, upstream) => bail!("{change:?} is no change in {upstream}"),
        }
    }

    /// Reads what slapd wrote down of the operators' writes, for [`Self::truth`].
    ///
    /// # Errors
    /// When slapd does not answer.
    pub fn read_log(&mut self) -> Result<()> {
        self.written.clear();
        let writes = match &self.slapd {
            Some(slapd) => slapd.writes_by(OPERATOR_DN)?,
            None => Vec::new(),
        };
        for write in writes {
            self.written.entry(write.dn.to_lowercase()).or_default().push(write);
        }
        Ok(())
    }

    /// Everything that was done to somebody, and how they stand now; of the account that is named alone, where that of the
    /// credentials is not `wanted`. A stored password that is one of these gets its
    /// fingerprint, so that equal ones are recognised in spite of their salts.
    ///
    /// # Errors
    /// When the directory does not tell.
    pub fn truth(&self, person: &Person, passwords: &[String], wanted: bool) -> Result<Vec<Event>> {
        let mut events = match (person.upstream, wanted) {
            (_, false) => Vec::new(),
            (Upstream::Okta, true) => self.okta_truth(&person.id)?,
            (Upstream::OpenLdap | Upstream::Routed, true) => self.ldap_truth(person, passwords)?,
        };
        if let Some(named) = &person.named {
            events.extend(self.okta_truth(named)?);
        }
        Ok(events)
    }

    fn okta_truth(&self, id: &str) -> Result<Vec<Event>> {
        let entries = self.okta.truth();
        let about = entries.iter().filter(|entry| entry.account.as_deref() == Some(id));
        let mut events: Vec<Event> = about.filter_map(okta_effect).map(Event::Effect).collect();
        let state = self.okta.account(id).context("the account is gone from the sandbox")?;
        events.push(Event::Account {
            account: id.to_owned(),
            locked: state.status == Status::LockedOut,
            must_change: state.must_change_password,
        });
        Ok(events)
    }

    fn ldap_truth(&self, person: &Person, passwords: &[String]) -> Result<Vec<Event>> {
        let dn = user_dn(person.uid()).to_lowercase();
        let slapd = self.slapd()?;
        let attribute = |name| slapd.attribute(&user_dn(person.uid()), name);
        let (locked, reset) = (attribute("pwdAccountLockedTime")?, attribute("pwdReset")?);
        let writes = self.written.get(&dn).map(Vec::as_slice).unwrap_or_default();
        let done = writes.iter().filter(|write| write.result == 0);
        let mut events: Vec<Event> = done
            .flat_map(|write| write.changes.iter())
            .filter_map(|change| ldap_effect(&person.id, change, passwords))
            .map(Event::Effect)
            .collect();
        events.push(Event::Account {
            account: person.id.clone(),
            locked: locked.is_some(),
            must_change: reset.as_deref() == Some("TRUE"),
        });
        Ok(events)
    }

    /// Whether a password is in force now, and its fingerprint.
    ///
    /// # Errors
    /// When the directory does not tell.
    pub fn is_in_force(&self, person: &Person, password: &str) -> Result<bool> {
        match person.upstream {
            Upstream::Okta => {
                let state = self
                    .okta
                    .account(&person.id)
                    .context("the account is gone from the sandbox")?;
                Ok(state.password == Some(sandbox::fingerprint(password)))
            }
            Upstream::OpenLdap | Upstream::Routed => {
                Ok(self.slapd()?.bind(&user_dn(person.uid()), password)?.code == 0)
            }
        }
    }
}

/// The token that operators use.
pub const TOKEN: &str = ADMIN_TOKEN;

fn slapd_options(people: &[String]) -> testkit::slapd::Options {
    let user = |uid: &String| User {
        uid: uid.clone(),
        name: format!("Person {uid}"),
        surname: "Person".into(),
        mail: format!("{uid}@example.com"),
        employee_type: "staff".into(),
        country: "DE".into(),
    };
    testkit::slapd::Options {
        users: people.iter().map(user).collect(),
        ..testkit::slapd::Options::default()
    }
}

fn set(slapd: &Slapd, uid: &str, attribute: &str, value: &str) -> Result<()> {
    let dn = user_dn(uid);
    let change = format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n");
    slapd.modify_as(ROOT_DN, slapd.secret(), &["-e", "relax"], &change)
}

/// What an accepted call did. Who signed in with the token of the operators is told by its name.
fn okta_effect(entry: &Entry) -> Option<Effect> {
    if !entry.applied || entry.method == "GET" {
        return None;
    }
    let by_operator = entry.origin == sandbox::Origin::Api && entry.caller.as_deref() == Some("admin");
    let step = match entry.path.rsplit('/').next() {
        Some("unlock") => Step::Unlock,
        Some("reset_password") => Step::SendLink,
        Some("expire_password") => Step::RequireChange,
        Some("sessions") => Step::RevokeSessions,
        Some("lock") => Step::Lock,
        _ if entry
            .body_fields
            .iter()
            .any(|field| field.starts_with("credentials.password")) =>
        {
            Step::SetPassword
        }
        _ => return None,
    };
    Some(Effect {
        account: entry.account.clone()?,
        step,
        by: if by_operator { Origin::Operator } else { Origin::Other },
        changed: !entry.changes.is_empty(),
        value: entry.values_of("password").last().cloned(),
        at: entry.committed.map(|at| at.as_millisecond()),
    })
}

/// What one line of a write to slapd did, as in `pwdAccountLockedTime:-`.
fn ldap_effect(account: &str, change: &str, passwords: &[String]) -> Option<Effect> {
    let (attribute, rest) = change.split_once(':')?;
    let (step, value) = match attribute {
        "userPassword" if rest.starts_with('=') => {
            let stored = rest.trim_start_matches("= ");
            let known = passwords.iter().find(|password| is_hash_of(stored, password));
            let value = known.map_or_else(|| stored.to_owned(), |password| sandbox::fingerprint(password));
            (Step::SetPassword, Some(value))
        }
        "pwdReset" if rest.starts_with('=') => (Step::RequireChange, None),
        "pwdAccountLockedTime" if rest.starts_with('-') => (Step::Unlock, None),
        _ => return None,
    };
    Some(Effect {
        account: account.to_owned(),
        step,
        by: Origin::Operator,
        changed: true,
        value,
        at: None,
    })
}

/// Whether this is a stored form, `{SSHA}` and base64 of SHA-1 and salt (RFC 2307 and its successors), of a password.
fn is_hash_of(stored: &str, password: &str) -> bool {
    const SHA1: usize = 20;
    let decoded = stored
        .strip_prefix("{SSHA}")
        .and_then(|text| data_encoding::BASE64.decode(text.trim().as_bytes()).ok());
    let Some((hash, salt)) = decoded.as_deref().and_then(|bytes| bytes.split_at_checked(SHA1)) else {
        return false;
    };
    let salted = [password.as_bytes(), salt].concat();
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &salted).as_ref() == hash
}

/// How long a frozen slapd stays so: longer than timeout and deadline.
pub const FROZEN: Duration = Duration::from_millis(1500);
