//! Keycloak: a real server, on which it has one realm. Its access log tells what the operator sent, a real mail server what
//! was mailed.

use crate::{
    fixture::{Fixture, Lacking, Person, SignIn, Way, Wrong},
    way::Proxied,
};
use readmit::domain::account::Step;
use serde_json::{Value, json};
use testkit::keycloak::{self, Browser, CLIENT, Call, Keycloak, RIGHTS, initial_password, secret};

/// Of the suite: tests/secrets uses this file too, on the same server.
const REALM: &str = env!("CARGO_CRATE_NAME");
/// A second client, for the row with the wrong credential.
const OTHER: &str = "readmit-other";

struct Realm(Keycloak);

/// The server, with a realm in which two accounts may have one address.
pub fn start() -> anyhow::Result<Box<dyn Fixture>> {
    let server = Keycloak::shared()?;
    let more = json!({
        "duplicateEmailsAllowed": true, "loginWithEmailAllowed": false,
        "clients": [keycloak::client(OTHER)], "users": [keycloak::service_account(OTHER, RIGHTS)],
    });
    server.import(&keycloak::realm(REALM, server.mail_port(), RIGHTS, &more));
    Ok(Box::new(Realm(server)))
}

fn manifests(name: &str, client: &str, client_secret: &str, url: &str, ca: Option<&str>) -> Vec<Value> {
    let mut provider = json!({
        "url": url, "realm": REALM, "clientID": client, "clientSecretRef": {"name": name},
    });
    let mut data = json!({"client-secret": client_secret});
    if let Some(ca) = ca {
        data["ca.crt"] = ca.into();
        provider["caSecretRef"] = json!({"name": name});
    }
    vec![
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
            "stringData": data,
        }),
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
            "spec": {"usernamePrefix": "oidc:", "provider": {"keycloak": provider}},
        }),
    ]
}

impl Realm {
    fn add(&self, username: &str, more: &Value) -> Person {
        let person = keycloak::person(username, more);
        self.admin("POST", "users", Some(&person));
        let id = self.0.id(REALM, username);
        Person {
            login: username.into(),
            handle: id.clone(),
            id,
            email: person["email"].as_str().unwrap_or_default().into(),
            password: initial_password(username),
        }
    }

    fn admin(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.0.admin(method, &format!("{REALM}/{path}"), body)
    }

    fn changes(&self, person: &Person) -> Vec<Call> {
        let mut calls = self.0.calls(&person.id);
        calls.retain(|call| call.method != "GET");
        calls
    }
}

impl Fixture for Realm {
    fn provider(&self) -> &'static str {
        "keycloak"
    }

    fn directory(&self, name: &str, way: Option<&dyn Way>) -> Vec<Value> {
        match way {
            Some(way) => manifests(name, CLIENT, &secret(CLIENT), &way.url(), way.ca_pem()),
            None => manifests(name, CLIENT, &secret(CLIENT), &self.0.tls_url(), Some(self.0.ca_pem())),
        }
    }

    fn person(&self, name: &str) -> Person {
        self.add(name, &json!({}))
    }

    fn odd_names(&self) -> Vec<String> {
        // Keycloak takes no login with a space, a comma, a colon, a quote or a slash, and no address beyond ASCII.
        ["odd+plus", "odd_per_cent", "odd.dots-and"].map(str::to_owned).to_vec()
    }

    fn calls_per_unlock(&self) -> u32 {
        8
    }

    fn twins(&self, name: &str) -> Result<[Person; 2], Lacking> {
        let email = json!({"email": format!("{name}@example.com")});
        Ok(["1", "2"].map(|number| self.add(&format!("{name}{number}"), &email)))
    }

    fn protected(&self, name: &str) -> (Person, &'static str) {
        let person = self.person(name);
        let clients = self.admin("GET", "clients?clientId=realm-management", None);
        let client = clients[0]["id"].as_str().expect("every realm has it").to_owned();
        let role = self.admin("GET", &format!("clients/{client}/roles/view-events"), None);
        let path = format!("users/{}/role-mappings/clients/{client}", person.id);
        self.admin("POST", &path, Some(&json!([role])));
        self.lock(&person);
        (person, "administrator of the realm: view-events")
    }

    fn disabled(&self, name: &str, locked: bool) -> Result<Person, Lacking> {
        let person = self.person(name);
        if locked {
            self.lock(&person);
        }
        let path = format!("users/{}", person.id);
        self.admin("PUT", &path, Some(&json!({"enabled": false})));
        Ok(person)
    }

    fn lock(&self, person: &Person) {
        self.0.lock(REALM, &person.login);
    }

    fn sign_in(&self, person: &Person, password: &str) -> SignIn {
        let answer = self.0.sign_in(REALM, &person.login, password);
        match (answer.status, answer.json()["error_description"].as_str()) {
            (200, _) => SignIn::Welcome,
            (_, Some("Account is not fully set up")) => SignIn::MustChange,
            _ => SignIn::Refused,
        }
    }

    fn choose_password(&self, person: &Person, old: &str, new: &str) -> Result<(), Lacking> {
        let browser = Browser::new().expect("a browser");
        let page = browser.open(&self.0.sign_in_page(REALM)).expect("the sign-in");
        let fields = [("username", &*person.login), ("password", old)];
        let page = browser.submit(&page, &fields).expect("the form for a new password");
        let fields = [("password-new", new), ("password-confirm", new)];
        browser.submit(&page, &fields).expect("taken");
        Ok(())
    }

    fn links(&self, person: &Person) -> usize {
        self.0.mails_to(REALM, &person.email).len()
    }

    fn follow_link(&self, person: &Person, new: &str) {
        let mails = self.0.mails_to(REALM, &person.email);
        let link = mails.last().and_then(|mail| mail.link()).expect("a mail with a link");
        let browser = Browser::new().expect("a browser");
        let page = browser.open(link).expect("the link's page");
        let page = browser
            .follow(&page, "action-token")
            .expect("the form for a new password");
        let fields = [("password-new", new), ("password-confirm", new)];
        browser.submit(&page, &fields).expect("taken");
    }

    fn open_session(&self, person: &Person) -> Result<(), Lacking> {
        assert_eq!(self.sign_in(person, &person.password), SignIn::Welcome);
        Ok(())
    }

    fn sessions(&self, person: &Person) -> usize {
        let sessions = self.admin("GET", &format!("users/{}/sessions", person.id), None);
        sessions.as_array().map_or(0, Vec::len)
    }

    fn writes(&self, person: &Person) -> Vec<String> {
        let words = |call: Call| format!("{} {} {}", call.method, call.path, call.status);
        self.changes(person).into_iter().map(words).collect()
    }

    fn passwords(&self, person: &Person) -> usize {
        let sets = |call: &&Call| call.path.ends_with("/reset-password") && call.status == 204;
        self.changes(person).iter().filter(sets).count()
    }

    fn unable(&self, _: Step) -> Option<&'static str> {
        None
    }

    fn unproven(&self, _: Step) -> Option<&'static str> {
        None
    }

    fn way(&self) -> Box<dyn Way> {
        Proxied::http(&self.0.address())
    }

    fn wrong_credential(&self, name: &str) -> Wrong {
        let of = |client_secret: &str| manifests(name, OTHER, client_secret, &self.0.tls_url(), Some(self.0.ca_pem()));
        let mut repaired = of(&secret(OTHER));
        repaired.retain(|manifest| manifest["kind"] == "Secret");
        Wrong {
            manifests: of("not-this-one"),
            repaired,
        }
    }

    fn refusals(&self) -> usize {
        let calls = self.0.calls(&format!("/realms/{REALM}/protocol/openid-connect/token"));
        calls.iter().filter(|call| call.status == 401).count()
    }
}
