//! Okta: the simulated organisation, whose own log tells what was really done.

use crate::{
    fixture::{Fixture, Lacking, Person, SignIn, Way, Wrong},
    way::{Simulated, changes, refusals},
};
use readmit::domain::account::Step;
use sandbox::{ADMIN_TOKEN, Entry, Options, PageOutcome, SEED_PASSWORD, Sandbox, SeedUser, Status};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::runtime::Runtime;

const USERS: &str = "/api/v1/users/";

struct Okta {
    sandbox: Arc<Sandbox>,
    // After the sandbox, which stops its listeners in it.
    _runtime: Runtime,
}

/// The organisation, which runs anywhere.
pub fn start() -> anyhow::Result<Box<dyn Fixture>> {
    let runtime = Runtime::new()?;
    let options = Options {
        org: "behaviours".into(),
        ..Options::default()
    };
    let sandbox = runtime.block_on(Sandbox::start(options))?;
    Ok(Box::new(Okta {
        sandbox: Arc::new(sandbox),
        _runtime: runtime,
    }))
}

fn secret(name: &str, token: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
        "stringData": {"token": token},
    })
}

impl Okta {
    fn seed(&self, seed: Value) -> Person {
        let user: SeedUser = serde_json::from_value(seed).expect("a seed");
        let (login, email) = (user.login.clone(), user.email.clone());
        self.sandbox.seed([user]).expect("a new login");
        self.known(&login, email)
    }

    fn known(&self, login: &str, email: Option<String>) -> Person {
        let account = self.sandbox.account(login).expect("there is such an account");
        Person {
            login: login.into(),
            handle: format!("{USERS}{}", account.id),
            id: account.id,
            email: email.unwrap_or_else(|| login.into()),
            password: SEED_PASSWORD.into(),
        }
    }
}

impl Fixture for Okta {
    fn provider(&self) -> &'static str {
        "okta"
    }

    fn directory(&self, name: &str, way: Option<&dyn Way>) -> Vec<Value> {
        let url = way.map_or_else(|| self.sandbox.addresses().http.clone(), |way| way.url());
        let directory = json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
            "spec": {"usernamePrefix": "oidc:", "provider": {"okta": {"url": url, "tokenSecretRef": {"name": name}}}},
        });
        vec![secret(name, ADMIN_TOKEN), directory]
    }

    fn person(&self, name: &str) -> Person {
        let login = format!("{name}@example.com");
        match name {
            // One of the built-in people.
            "alice" => self.known(&login, None),
            _ => self.seed(json!({"login": login, "status": Status::Active, "password": SEED_PASSWORD})),
        }
    }

    fn odd_names(&self) -> Vec<String> {
        ["team/odd", "per%cent-odd", "odd+plus", "o'odd", "odd name"]
            .map(str::to_owned)
            .to_vec()
    }

    fn twins(&self, name: &str) -> Result<[Person; 2], Lacking> {
        let email = format!("{name}@example.com");
        Ok(["1", "2"].map(|number| {
            let login = format!("{name}{number}@example.com");
            self.seed(json!({"login": login, "email": email, "status": Status::Active, "password": SEED_PASSWORD}))
        }))
    }

    fn protected(&self, name: &str) -> (Person, &'static str) {
        let person = self.seed(json!({
            "login": format!("{name}@example.com"), "status": Status::LockedOut, "password": SEED_PASSWORD,
            "roles": [{"type": "SUPER_ADMIN"}],
        }));
        (person, "SUPER_ADMIN")
    }

    fn disabled(&self, name: &str, locked: bool) -> Result<Person, Lacking> {
        let blocks = if locked { vec!["ANY_DEVICES"] } else { Vec::new() };
        Ok(self.seed(json!({
            "login": format!("{name}@example.com"), "status": Status::Suspended, "password": SEED_PASSWORD,
            "blocks": blocks,
        })))
    }

    fn lock(&self, person: &Person) {
        self.sandbox.lock(&person.login).expect("locked by wrong sign-ins");
    }

    fn sign_in(&self, person: &Person, password: &str) -> SignIn {
        match self.sandbox.sign_in(&person.login, password, None) {
            sandbox::SignIn::Success { .. } => SignIn::Welcome,
            sandbox::SignIn::PasswordExpired => SignIn::MustChange,
            _ => SignIn::Refused,
        }
    }

    fn choose_password(&self, person: &Person, old: &str, new: &str) -> Result<(), Lacking> {
        let changed = self.sandbox.sign_in(&person.login, old, Some(new));
        assert!(matches!(changed, sandbox::SignIn::Success { .. }), "{changed:?}");
        Ok(())
    }

    fn links(&self, person: &Person) -> usize {
        let mails = self.sandbox.mails().into_iter();
        mails
            .filter(|mail| mail.user == person.id && mail.link.is_some())
            .count()
    }

    fn follow_link(&self, person: &Person, new: &str) {
        let mails = self.sandbox.mails().into_iter().rev();
        let link = mails.filter(|mail| mail.user == person.id).find_map(|mail| mail.link);
        let page = self.sandbox.use_link(&link.expect("a mail with a link"), new);
        assert_eq!(page, PageOutcome::PasswordSet);
    }

    fn open_session(&self, person: &Person) -> Result<(), Lacking> {
        assert_eq!(self.sign_in(person, &person.password), SignIn::Welcome);
        Ok(())
    }

    fn sessions(&self, person: &Person) -> usize {
        let account = self.sandbox.account(&person.id).expect("it is there");
        account.sessions.len()
    }

    fn writes(&self, person: &Person) -> Vec<String> {
        let words = |call: Entry| format!("{} {} {:?}", call.method, call.path, call.status);
        changes(&self.sandbox, person).into_iter().map(words).collect()
    }

    fn passwords(&self, person: &Person) -> usize {
        let sets = |call: &&Entry| call.applied && call.body_fields.iter().any(|field| field.contains("password"));
        changes(&self.sandbox, person).iter().filter(sets).count()
    }

    fn unable(&self, _: Step) -> Option<&'static str> {
        None
    }

    fn unproven(&self, step: Step) -> Option<&'static str> {
        let why = "ends as OutcomeUnknown and is never sent twice: Okta shows no trace by which a set password could \
                   be recognised";
        (step == Step::SetPassword).then_some(why)
    }

    fn way(&self) -> Box<dyn Way> {
        Box::new(Simulated {
            sandbox: self.sandbox.clone(),
            url: self.sandbox.addresses().http.clone(),
            writes: ("POST", "*"),
        })
    }

    fn wrong_credential(&self, name: &str) -> Wrong {
        let mut manifests = self.directory(name, None);
        manifests.retain(|manifest| manifest["kind"] == "Directory");
        manifests.insert(0, secret(name, "00-not-this-one"));
        Wrong {
            manifests,
            repaired: vec![secret(name, ADMIN_TOKEN)],
        }
    }

    fn refusals(&self) -> usize {
        refusals(&self.sandbox)
    }
}
