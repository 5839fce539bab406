//! One row on one provider: names of its own, people of its own, and the words in which requests are asked and judged.

use crate::{
    board::{Board, PATIENCE, Seen, request},
    fixture::{Fixture, Lacking, Person, Way},
    support::{
        ldap::{Recipient, policy, text},
        stage::{Stage, ready},
        watch,
    },
};
use serde_json::{Value, json};
use std::{fmt, sync::OnceLock};

/// What a row saw, as it stands in the matrix. A row that sees anything else panics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As described.
    Passed,
    /// As described for such a provider, with what that comes to.
    PassedAs(&'static str),
    /// Requests end as NotCapable, with this message, and nothing is sent.
    NotCapable(String),
    /// The directory has no such thing.
    Lacking(&'static str),
}

impl From<Lacking> for Verdict {
    fn from(Lacking(why): Lacking) -> Self {
        Verdict::Lacking(why)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Passed => f.write_str("passed"),
            Verdict::PassedAs(how) => write!(f, "passed: {how}"),
            Verdict::NotCapable(why) => write!(f, "not capable: {why}"),
            Verdict::Lacking(why) => write!(f, "not there: {why}"),
        }
    }
}

/// A row on a provider.
pub struct Cell {
    pub stage: &'static Stage,
    pub board: &'static Board,
    pub fixture: &'static dyn Fixture,
    /// Its row's name: the beginning of the names of its requests and Directories.
    pub row: &'static str,
    /// Its row's place: the beginning of the names of its people, which some servers keep short.
    pub place: usize,
}

/// Who opens the passwords that are sealed to the policies' recipient.
pub fn keeper() -> &'static Recipient {
    static KEEPER: OnceLock<Recipient> = OnceLock::new();
    KEEPER.get_or_init(Recipient::new)
}

/// A policy of the Directory's name that allows everything in it; `more` goes into its spec.
fn open_policy(directory: &str, more: &Value) -> Value {
    let methods = ["Link", "TemporaryPassword", "ChangeAtNextSignIn"];
    let password = json!({"methods": methods, "recipients": [keeper().public()]});
    let mut spec = json!({"serviceAccounts": true, "password": password});
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    policy(directory, directory, &["Unlock", "ResetPassword"], &spec)
}

/// Applies Secrets, a Directory and its policy, and waits until the Directory is ready.
pub fn connect(stage: &Stage, name: &str, mut manifests: Vec<Value>) {
    manifests.push(open_policy(name, &json!({})));
    stage.admin(&text(&manifests));
    directory_when(stage, name, |status| ready(status)["status"] == "True");
}

/// Waits until the status of a Directory is so.
#[track_caller]
pub fn directory_when(stage: &Stage, name: &str, so: impl Fn(&Value) -> bool) -> Value {
    let what = format!("the status of Directory {name} to be as this row wants it");
    let found = watch::one(stage.plane, ("directory", "", name), (&what, PATIENCE), |object| {
        so(&object["status"]).then(|| object["status"].clone())
    });
    found.unwrap_or_else(|error| panic!("{error}\n{}", stage.operator.tail()))
}

impl Cell {
    /// An ordinary person of this row; `what` has at most 12 characters.
    pub fn person(&self, what: &str) -> Person {
        self.fixture.person(&self.person_name(what))
    }

    /// The name of a person of this row.
    pub fn person_name(&self, what: &str) -> String {
        format!("p{:02}-{what}", self.place)
    }

    /// A person of this row who is locked, which a sign-in confirms.
    pub fn locked(&self, what: &str) -> Person {
        let person = self.person(what);
        self.fixture.lock(&person);
        person
    }

    /// The name of the Directory that rows share.
    pub fn shared(&self) -> &'static str {
        self.fixture.provider()
    }

    /// A Directory for this row alone, by a way on which things go wrong.
    pub fn troubled(&self) -> (String, Box<dyn Way>) {
        let name = format!("{}-{}", self.fixture.provider(), self.row);
        let way = self.fixture.way();
        connect(self.stage, &name, self.fixture.directory(&name, Some(&*way)));
        (name, way)
    }

    /// An AccountUnlockRequest of this row; `more` goes into its spec.
    pub fn unlock(&self, name: &str, directory: &str, account: Value, more: &Value) -> Value {
        self.request("AccountUnlockRequest", name, directory, account, more)
    }

    /// A PasswordResetRequest of this row by login; `more` goes into its spec.
    pub fn reset(&self, name: &str, directory: &str, person: &Person, method: &str, more: &Value) -> Value {
        let mut spec = json!({"method": method});
        merge(&mut spec, more);
        let account = json!({"login": person.login});
        self.request("PasswordResetRequest", name, directory, account, &spec)
    }

    fn request(&self, kind: &str, name: &str, directory: &str, account: Value, more: &Value) -> Value {
        let mut spec = json!({"directory": directory, "account": account});
        merge(&mut spec, more);
        let name = format!("{}-{name}", self.row);
        request(kind, self.fixture.provider(), &name, spec)
    }

    /// Creates a request as bob of the desk, and gives its status at the end.
    #[track_caller]
    pub fn ask(&self, request: &Value) -> Value {
        self.ask_as("bob", request)
    }

    /// Creates a request as somebody, and gives its status at the end.
    #[track_caller]
    pub fn ask_as(&self, person: &str, request: &Value) -> Value {
        self.board.create(person, request);
        self.finished(request).object["status"].clone()
    }

    /// Waits for the end of a request. Where it waits for an administrator in the vendor's console, they do what it says.
    #[track_caller]
    pub fn finished(&self, request: &Value) -> Seen {
        let seen = self.board.finished_or_by_hand(request);
        if seen.object["status"]["outcome"].is_string() {
            return seen;
        }
        self.fixture.clear_by_hand(&request["spec"]["account"]);
        self.board.finished(request)
    }

    /// What a row saw that is about an unlock.
    pub fn unlocked(&self) -> Verdict {
        match self.fixture.by_hand() {
            Some(how) => Verdict::PassedAs(how),
            None => Verdict::Passed,
        }
    }

    /// Unlocks by login in a Directory, as bob of the desk.
    #[track_caller]
    pub fn ask_unlock(&self, directory: &str, person: &Person) -> Value {
        let account = json!({"login": person.login});
        self.ask(&self.unlock("unlock", directory, account, &json!({})))
    }

    /// What a request that cannot be done comes to: NotCapable, with the way out, and nothing sent.
    #[track_caller]
    pub fn not_capable(&self, request: &Value, person: &Person, message: &str) -> Verdict {
        let status = self.ask(request);
        check(&status, "Failed", "NotCapable", message);
        assert_eq!(self.fixture.writes(person), [""; 0], "nothing is sent");
        let said = ready(&status)["message"].as_str().unwrap_or_default();
        Verdict::NotCapable(said.to_owned())
    }
}

fn merge(base: &mut Value, more: &Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        base[key] = value.clone();
    }
}

/// Asserts how a request ended, and that its message says this.
#[track_caller]
pub fn check(status: &Value, outcome: &str, reason: &str, message: &str) {
    assert_eq!(status["outcome"], outcome, "{status:#}");
    crate::support::ldap::says(status, reason, message);
}
