//! An Okta organisation for tests on a stage: a sandbox of its own in this process, and manifests that lead to it.

use super::stage::{Stage, ready};
use age::{Decryptor, Identity, armor::ArmoredReader, x25519};
use sandbox::{ADMIN_TOKEN, AccountState, Entry, Fault, FaultKind, Options, Origin, Sandbox, SeedUser};
use serde_json::Value;
use std::{io::Read, time::Duration};
use testkit::wait;
use tokio::runtime::Runtime;

/// An organisation with a Directory and an AccountPolicy of its name on the stage.
pub struct Org {
    /// The name of its Directory, its policy and its Secret.
    pub name: String,
    pub stage: &'static Stage,
    pub sandbox: Sandbox,
    /// Opens temporary passwords.
    pub key: x25519::Identity,
    // After the sandbox, which stops its listeners in it.
    _runtime: Runtime,
}

impl Org {
    /// Starts a sandbox, and applies Secret, Directory and a policy that allows everything.
    pub fn start(stage: &'static Stage, name: &str) -> Self {
        let org = Self::sandbox(stage, name);
        let (secret, directory) = (
            org.secret(ADMIN_TOKEN),
            org.directory(&org.sandbox.addresses().http, ""),
        );
        stage.admin(&[secret, directory, org.policy("")].join("---\n"));
        org.directory_when(|status| ready(status)["status"] == "True");
        org
    }

    /// Starts a sandbox that nobody knows of yet.
    pub fn sandbox(stage: &'static Stage, name: &str) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let options = Options {
            // The organisation's id, and with it the names of Account objects.
            org: name.to_owned(),
            ..Options::default()
        };
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("a sandbox");
        Org {
            name: name.to_owned(),
            stage,
            sandbox,
            key: x25519::Identity::generate(),
            _runtime: runtime,
        }
    }

    /// Applies Secret and Directory, in the clear to loopback.
    pub fn connect(&self, token: &str) {
        let directory = self.directory(&self.sandbox.addresses().http, "");
        self.stage.admin(&[self.secret(token), directory].join("---\n"));
    }

    /// Applies the Secret.
    pub fn set_token(&self, token: &str) {
        self.stage.admin(&self.secret(token));
    }

    fn secret(&self, token: &str) -> String {
        let name = &self.name;
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: readmit-system}}\nstringData: {{token: {token}}}\n"
        )
    }

    /// The Directory; `more` goes into its provider's member.
    pub fn directory(&self, url: &str, more: &str) -> String {
        let name = &self.name;
        format!(
            "apiVersion: readmit.dev/v1alpha1\nkind: Directory\nmetadata: {{name: {name}}}\n\
             spec: {{provider: {{okta: {{url: '{url}', tokenSecretRef: {{name: {name}}}{more}}}}}}}\n"
        )
    }

    /// A policy that allows everything in this Directory; `more` goes into its spec.
    pub fn policy(&self, more: &str) -> String {
        let (name, key) = (&self.name, self.key.to_public());
        format!(
            "apiVersion: readmit.dev/v1alpha1\nkind: AccountPolicy\nmetadata: {{name: {name}}}\nspec:\n  \
             actions: [Unlock, ResetPassword]\n  directories: [{name}]\n  password:\n    \
             methods: [Link, TemporaryPassword, ChangeAtNextSignIn]\n    recipients: [{key}]\n{more}"
        )
    }

    /// An AccountUnlockRequest; `account` is a YAML mapping.
    pub fn unlock(&self, name: &str, account: &str) -> String {
        self.request("AccountUnlockRequest", name, account, "")
    }

    /// A PasswordResetRequest for a login.
    pub fn reset(&self, name: &str, login: &str, method: &str) -> String {
        let account = format!("{{login: {login}}}");
        self.request("PasswordResetRequest", name, &account, &format!(", method: {method}"))
    }

    /// A request of any kind; `more` goes into its spec, behind a comma.
    pub fn request(&self, kind: &str, name: &str, account: &str, more: &str) -> String {
        let directory = &self.name;
        format!(
            "apiVersion: readmit.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}, namespace: default}}\n\
             spec: {{directory: {directory}, account: {account}{more}}}\n"
        )
    }

    /// Bob of the desk asks for an unlock by login, and gets this status at the end.
    pub fn unlocked(&self, name: &str, login: &str) -> Value {
        let account = serde_json::json!({ "login": login }).to_string();
        self.stage.create("bob", &self.unlock(name, &account));
        self.stage.finished("aur", name)
    }

    /// Bob of the desk asks for a reset, and gets this status at the end.
    pub fn is_reset(&self, name: &str, login: &str, method: &str) -> Value {
        self.stage.create("bob", &self.reset(name, login, method));
        self.stage.finished("pwr", name)
    }

    /// An account as it stands in the organisation.
    #[track_caller]
    pub fn account(&self, login: &str) -> AccountState {
        self.sandbox.account(login).expect("there is such an account")
    }

    /// Adds a locked account with a password.
    pub fn seed_locked(&self, login: &str) {
        let user = SeedUser::new(login, sandbox::Status::LockedOut, Some(sandbox::SEED_PASSWORD));
        self.sandbox.seed([user]).expect("a new login");
    }

    /// Strikes the next such call about an account, by the end of its path: `""` or `/lifecycle/unlock`.
    pub fn strike(&self, method: &str, login: &str, path: &str, fault: FaultKind) {
        let path = format!("/api/v1/users/{}{path}", self.account(login).id);
        self.sandbox.inject(Fault::once(method, &path, fault));
    }

    /// The calls that may change an account, in the order in which they arrived.
    pub fn writes(&self, login: &str) -> Vec<Entry> {
        let path = format!("/api/v1/users/{}", self.account(login).id);
        let truth = self.sandbox.truth().into_iter();
        truth
            .filter(|call| call.origin == Origin::Api && call.method != "GET" && call.path.starts_with(&path))
            .collect()
    }

    /// The ends of the paths of [`Org::writes`].
    pub fn written(&self, login: &str) -> Vec<String> {
        let path = format!("/api/v1/users/{}", self.account(login).id);
        let writes = self.writes(login).into_iter();
        writes
            .map(|call| format!("{} {}", call.method, call.path.trim_start_matches(&path)))
            .collect()
    }

    /// Waits until the Directory's status is so.
    #[track_caller]
    pub fn directory_when(&self, so: impl Fn(&Value) -> bool) -> Value {
        self.stage.status_when("directory", &self.name, so)
    }

    /// Waits until the locked accounts were listed twice from now on: what the first list led to is done by then.
    #[track_caller]
    pub fn wait_lists(&self) {
        let lists = || {
            let truth = self.sandbox.truth().into_iter();
            let first_page = |call: &Entry| call.query.contains("LOCKED_OUT") && !call.query.contains("after=");
            truth.filter(first_page).count()
        };
        let before = lists();
        let listed = wait::until("two lists of locked accounts", Duration::from_secs(20), || {
            (lists() >= before + 2).then_some(())
        });
        let said = || format!("there were {}\n{}", lists() - before, self.stage.operator.tail());
        listed.unwrap_or_else(|error| panic!("{error}; {}", said()));
    }

    /// Opens what a status delivers.
    pub fn open(&self, status: &Value) -> String {
        let sealed = status["delivery"]["sealed"].as_str().expect("something is delivered");
        let decryptor = Decryptor::new(ArmoredReader::new(sealed.as_bytes())).expect("an age file");
        let key = &self.key as &dyn Identity;
        let mut reader = decryptor.decrypt(std::iter::once(key)).expect("sealed to this key");
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("a text");
        text
    }
}

/// Whether an Account object shows a lock in this Directory.
pub fn shows_lock(account: &Value, directory: &str) -> bool {
    let labels = &account["metadata"]["labels"];
    labels["readmit.dev/state"] == "Locked" && labels["readmit.dev/directory"] == directory
}

/// Asserts how a request ended, and that its message says this.
#[track_caller]
pub fn check(status: &Value, outcome: &str, reason: &str, message: &str) {
    assert_eq!(status["outcome"], outcome, "{status:#}");
    says(status, reason, message);
}

/// Asserts why a request stands where it stands, and that its message says this.
#[track_caller]
pub fn says(status: &Value, reason: &str, message: &str) {
    assert_eq!(ready(status)["reason"], reason, "{status:#}");
    let text = ready(status)["message"].as_str().unwrap_or_default();
    assert!(text.contains(message), "{text:?} does not say {message:?}");
}
