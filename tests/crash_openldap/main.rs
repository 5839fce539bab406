//! What survives the operator: killed in the middle of a reset, started again, with a server that is frozen at chosen
//! moments. Every test has a slapd and operators of its own, and takes its turn: two operators would be a replica set.

#[path = "../support/mod.rs"]
mod support;

mod interrupted;
mod restarts;

use serde_json::{Value, json};
use std::{
    ops::Deref,
    sync::{Mutex, MutexGuard, Once, PoisonError},
    thread::sleep,
    time::{Duration, Instant},
};
use support::{
    ldap::{self, Recipient, text},
    stage::{Operator, Stage, prepare, wait_trusted},
};
use testkit::{assets, control_plane, skip, slapd::Slapd};

/// Longer than anything in the tests takes, so that a hang is a failure and not for ever.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// A stage whose operator comes and goes, with a slapd and a Directory of its own.
pub struct Theatre {
    stage: Stage,
    pub slapd: Slapd,
    pub keeper: Recipient,
    name: &'static str,
    past: Mutex<String>,
    _turn: MutexGuard<'static, ()>,
}

impl Deref for Theatre {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

/// No lease: a successor acts at once, so that only the claim keeps it from a second effect.
fn operator(plane: &control_plane::ControlPlane) -> Operator {
    let operator = Operator::start(plane, &[("READMIT_LEASE", "false")]);
    operator.wait_ready();
    wait_trusted(plane);
    operator
}

impl Theatre {
    /// Directory and policy of this name, and these people.
    pub fn open(name: &'static str, people: &[&str]) -> Option<Theatre> {
        static TURN: Mutex<()> = Mutex::new(());
        static PREPARED: Once = Once::new();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        skip::unless_missing(assets::ensure())?;
        let slapd = ldap::server(people)?;
        let plane = control_plane::shared();
        PREPARED.call_once(|| prepare(plane));
        let keeper = Recipient::new();
        let password = json!({"methods": ["TemporaryPassword", "ChangeAtNextSignIn"], "recipients": [keeper.public()]});
        let limits = json!([{"actions": ["ResetPassword"], "max": 20, "per": "24h"}]);
        let more = json!({"password": password, "limits": limits});
        let manifests = [
            ldap::secret(name, &slapd, slapd.secret()),
            ldap::directory(name, &slapd, &json!({})),
            ldap::policy(name, name, &["Unlock", "ResetPassword"], &more),
        ];
        plane.apply("admin", &text(&manifests)).expect("applied");
        let stage = Stage {
            plane,
            operator: operator(plane),
        };
        let theatre = Theatre {
            stage,
            slapd,
            keeper,
            name,
            past: Mutex::default(),
            _turn: turn,
        };
        theatre.wait_usable();
        Some(theatre)
    }

    /// Kills the operator, by SIGKILL.
    pub fn kill(&self) {
        self.operator.kill();
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        past.push_str(&format!("{}\n--- killed\n", self.operator.log()));
    }

    /// What all operators so far logged that mentions this, for messages.
    pub fn story(&self, of: &str) -> String {
        let past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let all = format!("{past}{}", self.operator.log());
        let lines = all.lines().filter(|line| line.contains(of) || line.starts_with("---"));
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// Starts a successor of the operator, which must have ended.
    pub fn succeed(&mut self) {
        self.stage.operator = operator(self.stage.plane);
    }

    /// Asks for a temporary password, as bob.
    pub fn ask(&self, request: &str, login: &str, more: Value) {
        let mut spec = json!({"method": "TemporaryPassword"});
        spec.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        self.create("bob", &text(&[ldap::reset(request, self.name, login, &spec)]));
    }

    /// Waits until the Directory can be used.
    pub fn wait_usable(&self) {
        self.status_when("directory", self.name, |status| {
            support::stage::ready(status)["status"] == "True"
        });
    }

    /// Waits until this is so, which is about no object.
    #[track_caller]
    pub fn until_so(&self, what: &str, so: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !so() {
            assert!(
                Instant::now() < end,
                "waited {PATIENCE:?} for {what}\n{}",
                self.operator.tail()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Lets the server answer for this long after a thaw, then freezes it again unless it is to go on.
    pub fn freeze(&self) {
        self.slapd.signal("STOP").expect("frozen");
    }

    /// Lets the server go on.
    pub fn thaw(&self) {
        self.slapd.signal("CONT").expect("thawed");
    }
}
