//! 389 Directory Server: a real one. Its access log tells what was sent and how often somebody tried to sign in, its
//! audit log what was changed.

use crate::{
    fixture::{Fixture, Lacking, Person, SignIn, Way, Wrong},
    way::Proxied,
};
use readmit::domain::account::Step;
use serde_json::{Value, json};
use testkit::{
    dirsrv::{Dirsrv, OPERATOR_DN, Options, SUFFIX},
    slapd::{User, group_dn, initial_password, user_dn},
};

const NO_SESSIONS: Lacking = Lacking("LDAP keeps no sessions");
/// A second operator, with the same rights.
const SECOND_DN: &str = "cn=readmit-second,ou=services,dc=example,dc=test";

struct Directory389 {
    server: Dirsrv,
}

/// The server, with the usual people.
pub fn start() -> anyhow::Result<Box<dyn Fixture>> {
    let mut options = Options::default();
    for rule in options.rights.iter_mut().chain(&mut options.config_rights) {
        let own = format!("ldap:///{OPERATOR_DN}");
        *rule = rule.replace(&own, &format!("{own} || ldap:///{SECOND_DN}"));
    }
    let server = Dirsrv::start(&options)?;
    server.add(&format!(
        "dn: {SECOND_DN}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\nuserPassword: {}\n",
        server.secret()
    ))?;
    server.modify(&format!(
        "dn: {SECOND_DN}\nchangetype: modify\nreplace: passwordExpirationTime\n"
    ))?;
    Ok(Box::new(Directory389 { server }))
}

impl Directory389 {
    fn add(&self, uid: &str, email: &str) -> Person {
        let user = User {
            uid: uid.into(),
            name: "A Person".into(),
            surname: "Person".into(),
            mail: email.into(),
            employee_type: "staff".into(),
            country: "DE".into(),
        };
        self.server.add_person(&user).expect("a new person");
        // As if the owner had chosen the password a while ago: a new entry has no such time.
        let long_ago = self.server.set(uid, "pwdUpdateTime", &["20260101000000Z"]);
        long_ago.expect("root may do that");
        self.known(uid, email)
    }

    fn known(&self, uid: &str, email: &str) -> Person {
        let handle = user_dn(uid);
        let id = self.server.attribute(&handle, "nsUniqueId").expect("an answer");
        Person {
            login: uid.into(),
            id: id.expect("every entry has one"),
            email: email.into(),
            password: initial_password(uid),
            handle,
        }
    }

    fn secret(&self, name: &str, password: &str) -> Value {
        let ca = std::fs::read_to_string(self.server.ca_file()).expect("a CA");
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
            "stringData": {"password": password, "ca.crt": ca},
        })
    }

    fn named(&self, name: &str, bind_dn: &str, url: &str) -> Value {
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
            "spec": {"usernamePrefix": "oidc:", "provider": {"directory389": {
                "url": url, "bindDN": bind_dn, "bindSecretRef": {"name": name}, "caSecretRef": {"name": name},
                "baseDN": SUFFIX, "administrators": [group_dn("admins")],
            }}},
        })
    }
}

impl Fixture for Directory389 {
    fn provider(&self) -> &'static str {
        "389-ds"
    }

    fn directory(&self, name: &str, way: Option<&dyn Way>) -> Vec<Value> {
        let mut secret = self.secret(name, self.server.secret());
        let url = match way {
            Some(way) => {
                secret["stringData"]["ca.crt"] = way.ca_pem().expect("the way speaks TLS").into();
                way.url()
            }
            None => self.server.tls_url(),
        };
        vec![secret, self.named(name, OPERATOR_DN, &url)]
    }

    fn person(&self, name: &str) -> Person {
        let word = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        match name {
            // One of the usual people.
            "alice" => self.known(name, "alice@example.com"),
            _ => {
                let address: String = name.chars().map(word).collect();
                self.add(name, &format!("{address}@example.com"))
            }
        }
    }

    fn odd_names(&self) -> Vec<String> {
        // As it comes, the server takes only logins in ASCII (its 7-bit check).
        ["odd*", "odd(s)", "o'hara, jo odd", "odd\\name", "odd+plus=x", "#odd"]
            .map(str::to_owned)
            .to_vec()
    }

    fn twins(&self, name: &str) -> Result<[Person; 2], Lacking> {
        let email = format!("{name}@example.com");
        Ok(["1", "2"].map(|number| self.add(&format!("{name}{number}"), &email)))
    }

    fn protected(&self, name: &str) -> (Person, &'static str) {
        let person = self.person(name);
        let (group, dn) = (group_dn("admins"), &person.handle);
        let change = format!("dn: {group}\nchangetype: modify\nadd: member\nmember: {dn}\n");
        self.server.modify(&change).expect("a new administrator");
        self.lock(&person);
        (person, "it is a member of administrators[0]")
    }

    fn disabled(&self, name: &str, locked: bool) -> Result<Person, Lacking> {
        let person = self.person(name);
        if locked {
            self.lock(&person);
        }
        let off = self.server.set(&person.login, "nsAccountLock", &["true"]);
        off.expect("root may do that");
        Ok(person)
    }

    fn lock(&self, person: &Person) {
        self.server.lock(&person.login).expect("locked by wrong sign-ins");
    }

    fn sign_in(&self, person: &Person, password: &str) -> SignIn {
        let bind = self.server.bind(&person.handle, password).expect("an answer");
        match (bind.code, bind.control.unwrap_or_default()) {
            (0, control) if control.contains("must be changed") => SignIn::MustChange,
            (0, _) => SignIn::Welcome,
            _ => SignIn::Refused,
        }
    }

    fn choose_password(&self, person: &Person, old: &str, new: &str) -> Result<(), Lacking> {
        let change = format!(
            "dn: {}\nchangetype: modify\nreplace: userPassword\nuserPassword: {new}\n",
            person.handle
        );
        let changed = self.server.modify_as(&person.handle, old, &change);
        changed.expect("the owner may do that");
        Ok(())
    }

    fn links(&self, _: &Person) -> usize {
        unreachable!("389-ds sends no links")
    }

    fn follow_link(&self, _: &Person, _: &str) {
        unreachable!("389-ds sends no links")
    }

    fn open_session(&self, _: &Person) -> Result<(), Lacking> {
        Err(NO_SESSIONS)
    }

    fn sessions(&self, _: &Person) -> usize {
        0
    }

    fn writes(&self, person: &Person) -> Vec<String> {
        // Both of the operator's identities: one of them is the row's with the wrong credential.
        let sends = [OPERATOR_DN, SECOND_DN].map(|dn| self.server.sends_by(dn).expect("the access log"));
        sends
            .iter()
            .flatten()
            .filter(|send| send.looked_for.as_ref() == Some(&person.id))
            .map(|send| format!("{} {:?}", send.kind, send.result))
            .collect()
    }

    fn passwords(&self, person: &Person) -> usize {
        // The extended operation is the operator's alone here; owners and root modify.
        let sends = self.server.sends_by(OPERATOR_DN).expect("the access log");
        let set = |send: &&testkit::dirsrv::Send| {
            send.kind == "EXT" && send.result == Some(0) && send.looked_for.as_ref() == Some(&person.id)
        };
        sends.iter().filter(set).count()
    }

    fn unable(&self, step: Step) -> Option<&'static str> {
        (step == Step::SendLink).then_some("389-ds cannot mail links; set method: TemporaryPassword")
    }

    fn unproven(&self, _: Step) -> Option<&'static str> {
        None
    }

    fn way(&self) -> Box<dyn Way> {
        // With TLS all the way: the server sets no password otherwise.
        Proxied::ldap(self.server.tls_url().trim_start_matches("ldaps://"), true)
    }

    fn wrong_credential(&self, name: &str) -> Wrong {
        Wrong {
            manifests: vec![
                self.secret(name, "not the password"),
                self.named(name, SECOND_DN, &self.server.tls_url()),
            ],
            repaired: vec![self.secret(name, self.server.secret())],
        }
    }

    fn refusals(&self) -> usize {
        let binds = self.server.binds_of(SECOND_DN).expect("its log");
        binds.iter().filter(|code| **code == 49).count()
    }
}
