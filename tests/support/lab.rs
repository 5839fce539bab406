//! A lab for tests that want quiet or several operators: the test program's control plane, cleaned between tests that
//! take turns, and an Okta sandbox of each test's own. Operators are started by the tests.

use super::{
    api, kubectl,
    stage::{Operator, prepare, ready, wait_trusted},
    success, watch,
};
use sandbox::{ADMIN_TOKEN, Entry, Origin, SEED_PASSWORD, Sandbox, SeedUser, Status};
use serde_json::Value;
use std::{
    sync::{Mutex, MutexGuard, Once, PoisonError},
    time::Duration,
};
use testkit::{
    assets,
    control_plane::{self, ControlPlane},
    skip, wait,
};
use tokio::runtime::Runtime;

pub const UNLOCK: &str = "accountunlockrequests";
pub const RESET: &str = "passwordresetrequests";
/// How long anything may take that should come soon.
pub const SOON: Duration = Duration::from_secs(60);

/// The control plane and a sandbox, for one test at a time.
pub struct Lab {
    pub plane: &'static ControlPlane,
    pub okta: Sandbox,
    runtime: Runtime,
    _alone: MutexGuard<'static, ()>,
}

impl Lab {
    /// `None` where this machine cannot have a control plane.
    pub fn open() -> Option<Self> {
        static ALONE: Mutex<()> = Mutex::new(());
        static PREPARED: Once = Once::new();
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        skip::unless_missing(assets::ensure())?;
        let plane = control_plane::shared();
        PREPARED.call_once(|| {
            prepare(plane);
            let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a, labels: {tier: gold}}\n";
            plane.apply("admin", namespace).expect("a namespace");
        });
        // A test before this one may have removed them.
        super::install_policies(plane, true);
        let runtime = Runtime::new().expect("a runtime");
        let options = sandbox::Options::default();
        let okta = runtime.block_on(Sandbox::start(options)).expect("a sandbox");
        // Its headers would make operators wait, whatever else the test is about.
        okta.configure(|settings| {
            settings.rate_limits.default_limit = 1_000_000;
            settings.rate_limits.limits.clear();
        });
        let lab = Lab {
            plane,
            okta,
            runtime,
            _alone: alone,
        };
        lab.clear();
        lab.admin(&directory("okta", &lab.okta, ""));
        Some(lab)
    }

    /// Removes everything that an earlier test left.
    pub fn clear(&self) {
        for kind in [UNLOCK, RESET, "directories", "accountpolicies"] {
            api::delete_all(self.plane, "admin", kind);
        }
        // Nobody but the operator may delete Accounts.
        api::delete_all(self.plane, "operator", "accounts");
    }

    /// Applies manifests as the administrator.
    pub fn admin(&self, manifests: &str) {
        self.plane
            .apply("admin", manifests)
            .expect("the administrator may apply");
    }

    /// Creates manifests as somebody.
    #[track_caller]
    pub fn create(&self, person: &str, manifests: &str) {
        api::create_soon(self.plane, person, manifests);
    }

    /// Runs kubectl as the administrator and gives what it says.
    #[track_caller]
    pub fn kubectl(&self, args: &[&str]) -> String {
        success(&kubectl(self.plane, "admin", args))
    }

    /// Starts an operator that acts, and waits until new requests are trusted and every Directory works.
    pub fn operator(&self, more: &[(&str, &str)]) -> Operator {
        let operator = Operator::start(self.plane, more);
        operator.wait_ready();
        self.settle(&operator);
        operator
    }

    /// Waits until new requests are trusted and every Directory works.
    #[track_caller]
    pub fn settle(&self, operator: &Operator) {
        wait_trusted(self.plane);
        self.until_all("directories", "the Directories to work", operator, |all| {
            let works = |directory: &&Value| ready(&directory["status"])["status"] == "True";
            all.iter().all(works).then_some(())
        });
    }

    /// Suspends the Directory, or lets it go on: requests wait for that, and not for a time that a slow machine misses.
    pub fn suspend(&self, suspended: bool) {
        let patch = format!("{{\"spec\": {{\"suspend\": {suspended}}}}}");
        self.kubectl(&["patch", "directory", "okta", "--type=merge", "--patch", &patch]);
    }

    /// All objects of a kind, in all namespaces.
    #[track_caller]
    pub fn list(&self, kind: &str) -> Vec<Value> {
        api::list(self.plane, kind)
    }

    /// One object.
    #[track_caller]
    pub fn get(&self, kind: &str, name: &str) -> Value {
        api::get(self.plane, kind, "default", name)
    }

    /// Waits for something that is no object, and that the probe else tells as it is; that and the end of the operator's
    /// log are in the message.
    #[track_caller]
    pub fn until<T>(&self, what: &str, operator: &Operator, mut probe: impl FnMut() -> Result<T, String>) -> T {
        let found = wait::until_ok(what, SOON, || probe().map_err(anyhow::Error::msg));
        found.unwrap_or_else(|error| panic!("{error:#}\n{}", operator.tail()))
    }

    /// Waits until an object in namespace default is so, in the same way.
    #[track_caller]
    pub fn until_one<T>(
        &self,
        (kind, name): (&str, &str),
        what: &str,
        operator: &Operator,
        probe: impl FnMut(&Value) -> Option<T>,
    ) -> T {
        let found = watch::one(self.plane, (kind, "default", name), (what, SOON), probe);
        found.unwrap_or_else(|error| panic!("{error}\n{}", operator.tail()))
    }

    /// Waits until all objects of a kind, in all namespaces, are so, in the same way.
    #[track_caller]
    pub fn until_all<T>(
        &self,
        kind: &str,
        what: &str,
        operator: &Operator,
        probe: impl FnMut(&[&Value]) -> Option<T>,
    ) -> T {
        let found = watch::all(self.plane, kind, (what, SOON), probe);
        found.unwrap_or_else(|error| panic!("{error}\n{}", operator.tail()))
    }

    /// Waits for the end of a request in namespace default, and gives its status.
    #[track_caller]
    pub fn finished(&self, operator: &Operator, kind: &str, name: &str) -> Value {
        self.until_one((kind, name), &format!("the end of {name}"), operator, |object| {
            let status = &object["status"];
            status["outcome"].is_string().then(|| status.clone())
        })
    }

    /// Waits until a request in namespace default waits for this reason, and gives its status.
    #[track_caller]
    pub fn waits(&self, operator: &Operator, kind: &str, name: &str, reason: &str) -> Value {
        let what = format!("{name} to wait for {reason}");
        self.until_one((kind, name), &what, operator, |object| {
            let status = &object["status"];
            (ready(status)["reason"] == reason).then(|| status.clone())
        })
    }

    /// Waits until every request of a kind has ended, and gives them.
    #[track_caller]
    pub fn all_finished(&self, operator: &Operator, kind: &str, count: usize) -> Vec<Value> {
        self.until_all(kind, &format!("{count} {kind} to end"), operator, |all| {
            let ended = all.iter().filter(|request| request["status"]["outcome"].is_string());
            (ended.count() == count).then(|| all.iter().copied().cloned().collect())
        })
    }

    /// Another organisation.
    pub fn other_org(&self, org: &str) -> Sandbox {
        let options = sandbox::Options {
            org: org.to_owned(),
            ..sandbox::Options::default()
        };
        self.runtime.block_on(Sandbox::start(options)).expect("a sandbox")
    }

    /// Seeds users `NAME-1@example.com` and on.
    pub fn people(&self, name: &str, count: usize, status: Status) -> Vec<String> {
        let logins: Vec<String> = (1..=count).map(|n| format!("{name}-{n}@example.com")).collect();
        let users = logins
            .iter()
            .map(|login| SeedUser::new(login, status, Some(SEED_PASSWORD)));
        self.okta.seed(users).expect("users");
        logins
    }

    /// Calls to the API of the sandbox whose path ends so, which were accepted and applied.
    pub fn applied(&self, path: &str) -> Vec<Entry> {
        let of_api = |entry: &Entry| entry.origin == Origin::Api && entry.path.ends_with(path) && entry.applied;
        self.okta.truth().into_iter().filter(of_api).collect()
    }

    /// Calls to the sandbox about people's accounts, reads included. What a probe asks for is not among them.
    pub fn calls(&self) -> Vec<Entry> {
        let about_people = |entry: &Entry| {
            entry.origin == Origin::Api && entry.path.starts_with("/api/v1/users") && !entry.path.ends_with("/users/me")
        };
        self.okta.truth().into_iter().filter(about_people).collect()
    }
}

/// A Directory for a sandbox with the token of an administrator; `more` goes into its spec.
pub fn directory(name: &str, okta: &Sandbox, more: &str) -> String {
    let url = &okta.addresses().http;
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: readmit-system}}\nstringData: {{token: {ADMIN_TOKEN}}}\n---\n\
         apiVersion: readmit.dev/v1alpha1\nkind: Directory\nmetadata: {{name: {name}}}\nspec:\n  provider: {{okta: {{url: '{url}', \
         tokenSecretRef: {{name: {name}}}}}}}\n  rateLimit: {{requestsPerMinute: 60000, concurrency: 64}}\n{more}\n---\n"
    )
}

/// An AccountPolicy; `more` goes into its spec.
pub fn policy(name: &str, actions: &str, more: &str) -> String {
    let separator = if more.is_empty() { "" } else { ", " };
    format!(
        "apiVersion: readmit.dev/v1alpha1\nkind: AccountPolicy\nmetadata: {{name: {name}}}\n\
         spec: {{actions: [{actions}], directories: [okta]{separator}{more}}}\n---\n"
    )
}

/// An AccountUnlockRequest; `more` goes into its spec.
pub fn unlock(name: &str, login: &str, more: &str) -> String {
    request("AccountUnlockRequest", ("default", name), login, more)
}

/// A PasswordResetRequest; `more` goes into its spec.
pub fn reset(name: &str, login: &str, more: &str) -> String {
    request("PasswordResetRequest", ("default", name), login, more)
}

/// A request of any kind.
pub fn request(kind: &str, (namespace, name): (&str, &str), login: &str, more: &str) -> String {
    let separator = if more.is_empty() { "" } else { ", " };
    format!(
        "apiVersion: readmit.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
         spec: {{directory: okta, account: {{login: '{login}'}}{separator}{more}}}\n---\n"
    )
}

/// Asserts how a request stands or ended.
#[track_caller]
pub fn check(status: &Value, outcome: &str, reason: &str, message: &str) {
    let found = status["outcome"].as_str().unwrap_or_default();
    assert_eq!(found, outcome, "{status:#}");
    assert_eq!(ready(status)["reason"], reason, "{status:#}");
    let text = ready(status)["message"].as_str().unwrap_or_default();
    assert!(text.contains(message), "{text:?} does not say {message:?}");
}

/// The audit lines in an operator's log.
pub fn audit(operator: &Operator) -> Vec<Value> {
    let log = operator.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["log"] == "audit").collect()
}
