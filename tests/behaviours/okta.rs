//! Okta: the simulated organisation, whose own log tells what was really done. The operator signs in with an API token, and
//! as a provider of its own as a service app whose tokens are bound to its key (DPoP).

#[allow(dead_code, reason = "the suites of Okta itself have keys of every kind")]
#[path = "../okta/app.rs"]
mod app;

use crate::{
    fixture::{Fixture, Lacking, Person, SignIn, Way, Wrong},
    way::{Simulated, changes, refusals},
};
use app::{App, CLIENT_ID, Form, Key};
use readmit::domain::account::Step;
use sandbox::{
    ADMIN_TOKEN, Entry, Options, PageOutcome, SEED_PASSWORD, Sandbox, SeedUser, Status, okta::auth::OAuthApp,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::runtime::Runtime;

const USERS: &str = "/api/v1/users/";
/// The app whose key is wrong at first.
const OTHER_CLIENT: &str = "0oaOther";
/// What finding a mailed link in the log takes besides the defaults.
const SCOPES: &[&str] = &["okta.users.manage", "okta.roles.read", "okta.logs.read"];

struct Okta {
    sandbox: Arc<Sandbox>,
    /// The service app that the operator is, where it has no API token.
    app: Option<App>,
    // After the sandbox, which stops its listeners in it.
    _runtime: Runtime,
}

/// The organisation, which runs anywhere.
pub fn start() -> anyhow::Result<Box<dyn Fixture>> {
    Ok(Box::new(organisation("behaviours", None)?))
}

/// Another one, which knows the operator as a service app.
pub fn start_app() -> anyhow::Result<Box<dyn Fixture>> {
    let app = service_app();
    let okta = organisation("behaviours-app", Some(app))?;
    let registered = okta.app.as_ref().map(App::registered);
    okta.sandbox.shared().okta().apps.extend(registered);
    Ok(Box::new(okta))
}

fn service_app() -> App {
    App {
        asked: SCOPES.to_vec(),
        granted: SCOPES.to_vec(),
        dpop: true,
        ..App::with_key(Key::elliptic("P-256", Form::Pem))
    }
}

fn organisation(org: &str, app: Option<App>) -> anyhow::Result<Okta> {
    let runtime = Runtime::new()?;
    let options = Options {
        org: org.into(),
        ..Options::default()
    };
    let sandbox = runtime.block_on(Sandbox::start(options))?;
    Ok(Okta {
        sandbox: Arc::new(sandbox),
        app,
        _runtime: runtime,
    })
}

fn secret(name: &str, key: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
        "stringData": {key: value},
    })
}

impl Okta {
    /// A Directory for what signs in with this Secret: the token, or the app of this client id.
    fn connection(&self, name: &str, url: &str, client: &str) -> Value {
        let mut okta = json!({"url": url, "tokenSecretRef": {"name": name}});
        if let Some(app) = &self.app {
            let oauth = json!({"clientID": client, "privateKeySecretRef": {"name": name}, "scopes": app.asked});
            okta = json!({"url": url, "oauth": oauth});
        }
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
            "spec": {"usernamePrefix": "oidc:", "provider": {"okta": okta}},
        })
    }

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
        if self.app.is_some() { "okta-app" } else { "okta" }
    }

    fn directory(&self, name: &str, way: Option<&dyn Way>) -> Vec<Value> {
        let url = way.map_or_else(|| self.sandbox.addresses().http.clone(), |way| way.url());
        let secret = match &self.app {
            Some(app) => secret(name, "private-key", &app.key.secret),
            None => secret(name, "token", ADMIN_TOKEN),
        };
        vec![secret, self.connection(name, &url, CLIENT_ID)]
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
        let (wrong, right) = match &self.app {
            Some(_) => {
                let [wrong, right] = [service_app(), service_app()];
                let registered = OAuthApp {
                    client_id: OTHER_CLIENT.into(),
                    ..right.registered()
                };
                self.sandbox.shared().okta().apps.push(registered);
                [wrong, right]
                    .map(|app| secret(name, "private-key", &app.key.secret))
                    .into()
            }
            None => ["00-not-this-one", ADMIN_TOKEN]
                .map(|token| secret(name, "token", token))
                .into(),
        };
        Wrong {
            manifests: vec![
                wrong,
                self.connection(name, &self.sandbox.addresses().http, OTHER_CLIENT),
            ],
            repaired: vec![right],
        }
    }

    fn refusals(&self) -> usize {
        refusals(&self.sandbox)
    }
}
