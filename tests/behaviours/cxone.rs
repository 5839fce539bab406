//! CXone: a tenant that the sandbox plays. Its own log tells what was written; faults are the sandbox's. It has no call that
//! unlocks: an administrator does that in the console, which is the sandbox's too.

use crate::{
    fixture::{Fixture, Lacking, Person, SignIn, Way, Wrong},
    way::{Simulated, changes},
};
use readmit::domain::account::Step;
use sandbox::{
    Entry, Fault as Scripted, FaultKind, Options, SEED_PASSWORD, Sandbox,
    cxone::{
        ACCESS_KEY_ID, ACCESS_KEY_SECRET, CLIENT_ID, CLIENT_SECRET, OPERATOR, OTHER_KEY_ID, OTHER_KEY_SECRET,
        Person as Employee,
    },
};
use serde_json::{Value, json};
use std::sync::Arc;
use testkit::proxy::Fault;
use tokio::runtime::Runtime;

const AGENTS: &str = "/inContactAPI/services/v34.0/agents/";
const NO_UNLOCK: Lacking = Lacking("CXone has no call that unlocks, so that none can be lost");

struct Cxone {
    sandbox: Arc<Sandbox>,
    // After the sandbox, which stops its listeners in it.
    _runtime: Runtime,
}

/// The tenant, which runs anywhere.
pub fn start() -> anyhow::Result<Box<dyn Fixture>> {
    let runtime = Runtime::new()?;
    let sandbox = runtime.block_on(Sandbox::start(Options::default()))?;
    Ok(Box::new(Cxone {
        sandbox: Arc::new(sandbox),
        _runtime: runtime,
    }))
}

fn secret(name: &str, key: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
        "stringData": {"access-key-secret": key, "client-secret": CLIENT_SECRET},
    })
}

impl Cxone {
    fn add(&self, employee: &Employee) -> Person {
        let id = self.sandbox.cxone().add(employee).to_string();
        let email = match employee.email.as_str() {
            "" => employee.user_name.clone(),
            email => email.to_owned(),
        };
        Person {
            login: employee.user_name.clone(),
            handle: format!("{AGENTS}{id}"),
            id,
            email,
            password: SEED_PASSWORD.into(),
        }
    }

    fn manifest(&self, name: &str, key: &str) -> Value {
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
            "spec": {
                "usernamePrefix": "oidc:",
                "rateLimit": {"requestsPerMinute": 6000},
                "provider": {"cxone": {
                    "url": self.sandbox.addresses().cxone, "username": OPERATOR, "poll": "3s",
                    "accessKeyID": key, "accessKeySecretRef": {"name": name},
                    "clientID": CLIENT_ID, "clientSecretRef": {"name": name},
                }},
            },
        })
    }
}

fn address(name: &str) -> String {
    format!("{name}@example.com")
}

impl Fixture for Cxone {
    fn provider(&self) -> &'static str {
        "cxone"
    }

    fn directory(&self, name: &str, _: Option<&dyn Way>) -> Vec<Value> {
        vec![secret(name, ACCESS_KEY_SECRET), self.manifest(name, ACCESS_KEY_ID)]
    }

    fn person(&self, name: &str) -> Person {
        self.add(&Employee::new(&address(name)))
    }

    fn odd_names(&self) -> Vec<String> {
        [
            "odd+plus",
            "odd&and=1",
            "odd%41",
            "odd#hash",
            "odd*star",
            "odd/slash?a",
            "odd'quote",
            "ODD.Case",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn calls_per_unlock(&self) -> u32 {
        // A list and the user, once to see the lock and once to see it gone.
        4
    }

    fn twins(&self, name: &str) -> Result<[Person; 2], Lacking> {
        Ok(["1", "2"].map(|number| {
            self.add(&Employee {
                email: address(name),
                ..Employee::new(&address(&format!("{name}{number}")))
            })
        }))
    }

    fn protected(&self, name: &str) -> (Person, &'static str) {
        let person = self.add(&Employee {
            role: Some("Administrator".into()),
            ..Employee::locked(&address(name))
        });
        (person, "holds the role Administrator in CXone")
    }

    fn disabled(&self, name: &str, locked: bool) -> Result<Person, Lacking> {
        Ok(self.add(&Employee {
            inactive: true,
            locked,
            ..Employee::new(&address(name))
        }))
    }

    fn lock(&self, person: &Person) {
        self.sandbox.cxone().lock(&person.login).expect("it is there");
    }

    fn by_hand(&self) -> Option<&'static str> {
        Some(
            "CXone has no call that unlocks: the request says where an administrator clicks, waits as AwaitingManualAction, \
             and goes on when the lock is read as gone",
        )
    }

    fn clear_by_hand(&self, account: &Value) {
        let key = ["login", "id"].iter().find_map(|name| account[name].as_str());
        let by_address = || {
            let email = account["email"].as_str().unwrap_or_default();
            // Addresses of people with a lock are their user names here.
            email.to_lowercase()
        };
        let key = key.map_or_else(by_address, str::to_owned);
        self.sandbox.cxone().unlock(&key).expect("it is there");
    }

    fn sign_in(&self, person: &Person, password: &str) -> SignIn {
        match self.sandbox.cxone().sign_in(&person.login, password, None) {
            sandbox::cxone::SignIn::Success => SignIn::Welcome,
            sandbox::cxone::SignIn::MustChange => SignIn::MustChange,
            sandbox::cxone::SignIn::Refused => SignIn::Refused,
        }
    }

    fn choose_password(&self, person: &Person, old: &str, new: &str) -> Result<(), Lacking> {
        let changed = self.sandbox.cxone().sign_in(&person.login, old, Some(new));
        assert_eq!(changed, sandbox::cxone::SignIn::Success);
        Ok(())
    }

    fn links(&self, _: &Person) -> usize {
        unreachable!("CXone sends no links by its API")
    }

    fn follow_link(&self, _: &Person, _: &str) {
        unreachable!("CXone sends no links by its API")
    }

    fn open_session(&self, person: &Person) -> Result<(), Lacking> {
        let opened = self
            .sandbox
            .cxone()
            .change("open session", &person.login, |agent| agent.sessions = 1);
        opened.expect("it is there");
        Ok(())
    }

    fn sessions(&self, person: &Person) -> usize {
        self.sandbox.cxone().agent(&person.login).expect("it is there").sessions as usize
    }

    fn writes(&self, person: &Person) -> Vec<String> {
        let words = |call: Entry| format!("{} {} {:?}", call.method, call.path, call.status);
        changes(&self.sandbox, person).into_iter().map(words).collect()
    }

    fn passwords(&self, person: &Person) -> usize {
        let sets = |call: &&Entry| call.applied && call.path.ends_with("/reset-password");
        changes(&self.sandbox, person).iter().filter(sets).count()
    }

    fn unable(&self, step: Step) -> Option<&'static str> {
        match step {
            Step::SendLink => Some("cxone has no call that mails a reset link; set method: TemporaryPassword"),
            Step::RequireChange => Some(
                "what cxone does with a forced change that comes without a new password is not documented; set method: \
                 TemporaryPassword",
            ),
            _ => None,
        }
    }

    fn unproven(&self, step: Step) -> Option<&'static str> {
        let why = "ends as OutcomeUnknown and is never sent twice: CXone shows nothing by which a set password could be recognised";
        (step == Step::SetPassword).then_some(why)
    }

    fn way(&self) -> Box<dyn Way> {
        Box::new(Struck(Simulated {
            sandbox: self.sandbox.clone(),
            url: self.sandbox.addresses().cxone.clone(),
            writes: ("PUT", "/reset-password"),
        }))
    }

    fn wrong_credential(&self, name: &str) -> Wrong {
        Wrong {
            manifests: vec![secret(name, "not-this-one"), self.manifest(name, OTHER_KEY_ID)],
            repaired: vec![secret(name, OTHER_KEY_SECRET)],
        }
    }

    fn refusals(&self) -> usize {
        let truth = self.sandbox.truth().into_iter();
        truth
            .filter(|call| call.error_code.as_deref() == Some("invalid_grant"))
            .count()
    }
}

/// The way to a tenant: what is written goes wrong, or, where nothing is, what is read.
struct Struck(Simulated);

impl Struck {
    fn user(&self, person: &Person) -> String {
        let agent = self.0.sandbox.cxone().agent(&person.login).expect("it is there");
        format!("/user-management/v3/users/{}", agent.user_id)
    }
}

impl Way for Struck {
    fn url(&self) -> String {
        self.0.url()
    }

    fn ca_pem(&self) -> Option<&str> {
        self.0.ca_pem()
    }

    fn strike(&self, person: &Person, fault: Fault) -> Result<(), Lacking> {
        let locked = self.0.sandbox.cxone().agent(&person.login).expect("it is there").locked;
        match fault {
            Fault::Busy => {
                let busy = FaultKind::RateLimited {
                    limit: 600,
                    reset_seconds: 2,
                };
                self.0.sandbox.inject(Scripted::once("GET", &self.user(person), busy));
                Ok(())
            }
            _ if locked => Err(NO_UNLOCK),
            fault => self.0.strike(person, fault),
        }
    }

    fn struck(&self, person: &Person) -> usize {
        let user = self.user(person);
        let truth = self.0.sandbox.truth().into_iter();
        let reads = truth.filter(|call| call.path == user && !call.faults.is_empty());
        reads.count() + self.0.struck(person)
    }
}
