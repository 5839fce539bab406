//! ServiceNow: an instance that the sandbox plays. Its own log tells what was written; faults are the sandbox's.

use crate::{
    fixture::{Fixture, Lacking, Person, SignIn, Way, Wrong},
    way::{Simulated, changes, refusals},
};
use readmit::domain::account::Step;
use sandbox::{
    Entry, Options, SEED_PASSWORD, Sandbox,
    servicenow::{OPERATOR, OPERATOR_PASSWORD, Quirk, User},
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::runtime::Runtime;

const USERS: &str = "/api/now/v2/table/sys_user/";
/// The integration user of the row about a wrong credential.
const OTHER_OPERATOR: &str = "readmit.second";
const NO_SESSIONS: Lacking = Lacking("ServiceNow has no call that ends sessions");

struct ServiceNow {
    sandbox: Arc<Sandbox>,
    // After the sandbox, which stops its listeners in it.
    _runtime: Runtime,
}

/// The instance, which runs anywhere.
pub fn start() -> anyhow::Result<Box<dyn Fixture>> {
    let runtime = Runtime::new()?;
    let mut options = Options::default();
    // As where the operator's user may see inactive people: else there is nobody for the rows about them.
    options.servicenow.settings.quirks.set(Quirk::InactiveHidden, false);
    let other = User::new(OTHER_OPERATOR).with_role("user_admin");
    options.servicenow.users.push(other);
    let sandbox = runtime.block_on(Sandbox::start(options))?;
    Ok(Box::new(ServiceNow {
        sandbox: Arc::new(sandbox),
        _runtime: runtime,
    }))
}

fn secret(name: &str, password: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
        "stringData": {"password": password},
    })
}

impl ServiceNow {
    fn add(&self, user: &User) -> Person {
        let id = self.sandbox.servicenow().add(user);
        let email = match user.email.as_str() {
            "" => format!("{}@example.com", user.user_name),
            email => email.to_owned(),
        };
        Person {
            login: user.user_name.clone(),
            handle: format!("{USERS}{id}"),
            id,
            email,
            password: SEED_PASSWORD.into(),
        }
    }

    fn manifest(&self, name: &str, username: &str) -> Value {
        let url = &self.sandbox.addresses().servicenow;
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
            "spec": {
                "usernamePrefix": "oidc:",
                "rateLimit": {"requestsPerMinute": 6000},
                "provider": {"serviceNow": {"url": url, "username": username, "passwordSecretRef": {"name": name}}},
            },
        })
    }
}

impl Fixture for ServiceNow {
    fn provider(&self) -> &'static str {
        "servicenow"
    }

    fn directory(&self, name: &str, _: Option<&dyn Way>) -> Vec<Value> {
        vec![secret(name, OPERATOR_PASSWORD), self.manifest(name, OPERATOR)]
    }

    fn person(&self, name: &str) -> Person {
        self.add(&User::new(name))
    }

    fn odd_names(&self) -> Vec<String> {
        // What else could mean something in an encoded query is not looked up at all.
        ["odd+plus", "odd@host.example", "odd_under-score", "+odd", "ODD.Case"]
            .map(str::to_owned)
            .to_vec()
    }

    fn twins(&self, name: &str) -> Result<[Person; 2], Lacking> {
        Ok(["1", "2"].map(|number| {
            self.add(&User {
                email: format!("{name}@example.com"),
                ..User::new(&format!("{name}{number}"))
            })
        }))
    }

    fn protected(&self, name: &str) -> (Person, &'static str) {
        let person = self.add(&User::locked(name).with_role("security_admin"));
        (person, "holds security_admin in ServiceNow")
    }

    fn disabled(&self, name: &str, locked: bool) -> Result<Person, Lacking> {
        Ok(self.add(&User {
            inactive: true,
            locked_out: locked,
            ..User::new(name)
        }))
    }

    fn lock(&self, person: &Person) {
        self.sandbox.servicenow().lock(&person.login).expect("it is there");
    }

    fn sign_in(&self, person: &Person, password: &str) -> SignIn {
        match self.sandbox.servicenow().sign_in(&person.login, password, None) {
            sandbox::servicenow::SignIn::Success => SignIn::Welcome,
            sandbox::servicenow::SignIn::MustChange => SignIn::MustChange,
            sandbox::servicenow::SignIn::Refused => SignIn::Refused,
        }
    }

    fn choose_password(&self, person: &Person, old: &str, new: &str) -> Result<(), Lacking> {
        let changed = self.sandbox.servicenow().sign_in(&person.login, old, Some(new));
        assert_eq!(changed, sandbox::servicenow::SignIn::Success);
        Ok(())
    }

    fn links(&self, _: &Person) -> usize {
        unreachable!("ServiceNow sends no links")
    }

    fn follow_link(&self, _: &Person, _: &str) {
        unreachable!("ServiceNow sends no links")
    }

    fn open_session(&self, _: &Person) -> Result<(), Lacking> {
        Err(NO_SESSIONS)
    }

    fn sessions(&self, _: &Person) -> usize {
        0
    }

    fn writes(&self, person: &Person) -> Vec<String> {
        let words = |call: Entry| format!("{} {:?} {:?}", call.method, call.body_fields, call.status);
        changes(&self.sandbox, person).into_iter().map(words).collect()
    }

    fn passwords(&self, person: &Person) -> usize {
        let sets = |call: &&Entry| call.applied && call.body_fields.iter().any(|field| field == "user_password");
        changes(&self.sandbox, person).iter().filter(sets).count()
    }

    fn claims_unlocks(&self) -> bool {
        true
    }

    fn unable(&self, step: Step) -> Option<&'static str> {
        let why = "servicenow has no call that mails a reset link; set method: TemporaryPassword";
        (step == Step::SendLink).then_some(why)
    }

    fn unproven(&self, step: Step) -> Option<&'static str> {
        let why = "ends as OutcomeUnknown and is never sent twice: nothing in ServiceNow moves with a set password alone, \
                   and a sign-in to find out would count as a wrong one";
        (step == Step::SetPassword).then_some(why)
    }

    fn way(&self) -> Box<dyn Way> {
        Box::new(Simulated {
            sandbox: self.sandbox.clone(),
            url: self.sandbox.addresses().servicenow.clone(),
            writes: ("PATCH", ""),
        })
    }

    fn wrong_credential(&self, name: &str) -> Wrong {
        Wrong {
            manifests: vec![secret(name, "not-this-one"), self.manifest(name, OTHER_OPERATOR)],
            repaired: vec![secret(name, SEED_PASSWORD)],
        }
    }

    fn refusals(&self) -> usize {
        refusals(&self.sandbox)
    }
}
