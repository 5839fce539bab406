//! Active Directory: a real Samba domain controller, with the documented rights of the operator. Its audit log tells what
//! was written and how often somebody tried to sign in.

use crate::{
    fixture::{Fixture, Lacking, Person, SignIn, Way, Wrong},
    way::Proxied,
};
use readmit::domain::account::Step;
use serde_json::{Value, json};
use testkit::samba::{Change, DOMAIN_DN, INITIAL_PASSWORD, OPERATOR, PEOPLE_DN, Samba, person_dn};

const NO_CHANGE: Lacking = Lacking("Active Directory lets nobody change a password over LDAP who must change it first");
const NO_SESSIONS: Lacking = Lacking("Active Directory cannot end sessions: Kerberos tickets last until they expire");

struct ActiveDirectory {
    samba: Samba,
}

/// The domain, with the usual people.
pub fn start() -> anyhow::Result<Box<dyn Fixture>> {
    let samba = Samba::start(&[])?;
    Ok(Box::new(ActiveDirectory { samba }))
}

impl ActiveDirectory {
    fn secret(&self, name: &str, password: &str, ca: Option<&str>) -> Value {
        let own = || std::fs::read_to_string(self.samba.ca_file()).expect("a CA");
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
            "stringData": {"password": password, "ca.crt": ca.map_or_else(own, str::to_owned)},
        })
    }

    fn leads_to(&self, name: &str, url: &str, bind_name: &str) -> Value {
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
            "spec": {"usernamePrefix": "oidc:", "provider": {"activeDirectory": {
                "url": url, "bindName": bind_name, "bindSecretRef": {"name": name}, "caSecretRef": {"name": name},
                "baseDN": PEOPLE_DN,
            }}},
        })
    }

    fn changes(&self, person: &Person) -> Vec<Change> {
        self.samba.changes_of(&person.handle).expect("the audit log")
    }
}

/// The operator's own account by another name, so that tries with it are counted by themselves.
fn by_dn() -> String {
    format!("CN=readmit,OU=Services,{DOMAIN_DN}")
}

impl Fixture for ActiveDirectory {
    fn provider(&self) -> &'static str {
        "active-directory"
    }

    fn directory(&self, name: &str, way: Option<&dyn Way>) -> Vec<Value> {
        let url = way.map_or_else(|| self.samba.url(), Way::url);
        let ca = way.map(|way| way.ca_pem().expect("the way speaks TLS"));
        vec![
            self.secret(name, self.samba.secret(), ca),
            self.leads_to(name, &url, OPERATOR),
        ]
    }

    fn person(&self, name: &str) -> Person {
        if name != "alice" {
            self.samba.add_person(name).expect("a new person");
        }
        let handle = person_dn(name);
        Person {
            login: name.into(),
            id: self.samba.id(&handle).expect("every entry has one"),
            email: format!("{name}@example.com"),
            password: INITIAL_PASSWORD.into(),
            handle,
        }
    }

    /// What sAMAccountName forbids is not among them.
    fn odd_names(&self) -> Vec<String> {
        ["odd(s)", "o'hara odd", "odd&x", "odd%2a", "ödd", "odd#1", "odd!~"]
            .map(str::to_owned)
            .to_vec()
    }

    fn twins(&self, name: &str) -> Result<[Person; 2], Lacking> {
        let email = format!("{name}@example.com");
        Ok(["1", "2"].map(|number| {
            let person = self.person(&format!("{name}{number}"));
            self.samba.set(&person.handle, "mail", &email).expect("set");
            Person {
                email: email.clone(),
                ..person
            }
        }))
    }

    fn protected(&self, name: &str) -> (Person, &'static str) {
        let person = self.person(name);
        self.samba.set(&person.handle, "adminCount", "1").expect("set");
        self.lock(&person);
        (person, "AdminSDHolder protects it")
    }

    fn disabled(&self, name: &str, locked: bool) -> Result<Person, Lacking> {
        let person = self.person(name);
        // In this order: to write userAccountControl clears a lock.
        self.samba
            .set(&person.handle, "userAccountControl", "514")
            .expect("set");
        if locked {
            self.lock(&person);
        }
        Ok(person)
    }

    fn lock(&self, person: &Person) {
        self.samba.lock(&person.login).expect("locked by wrong sign-ins");
    }

    fn sign_in(&self, person: &Person, password: &str) -> SignIn {
        let bind = self.samba.bind(&person.handle, password).expect("an answer");
        match (bind.code, bind.data.as_deref()) {
            (0, _) => SignIn::Welcome,
            (_, Some("773")) => SignIn::MustChange,
            _ => SignIn::Refused,
        }
    }

    fn choose_password(&self, _: &Person, _: &str, _: &str) -> Result<(), Lacking> {
        Err(NO_CHANGE)
    }

    fn links(&self, _: &Person) -> usize {
        unreachable!("Active Directory sends no links")
    }

    fn follow_link(&self, _: &Person, _: &str) {
        unreachable!("Active Directory sends no links")
    }

    fn open_session(&self, _: &Person) -> Result<(), Lacking> {
        Err(NO_SESSIONS)
    }

    fn sessions(&self, _: &Person) -> usize {
        0
    }

    fn writes(&self, person: &Person) -> Vec<String> {
        let words = |change: &Change| format!("{}: {}", change.result, change.attributes.join(", "));
        self.changes(person).iter().map(words).collect()
    }

    fn passwords(&self, person: &Person) -> usize {
        let set =
            |change: &&Change| change.result == 0 && change.attributes.iter().any(|a| a.starts_with("unicodePwd"));
        self.changes(person).iter().filter(set).count()
    }

    fn unable(&self, step: Step) -> Option<&'static str> {
        (step == Step::SendLink).then_some("active-directory cannot mail links; set method: TemporaryPassword")
    }

    fn unproven(&self, _: Step) -> Option<&'static str> {
        None
    }

    fn way(&self) -> Box<dyn Way> {
        Proxied::ldap(&format!("{}:636", self.samba.address()), true)
    }

    fn wrong_credential(&self, name: &str) -> Wrong {
        Wrong {
            manifests: vec![
                self.secret(name, "not the password", None),
                self.leads_to(name, &self.samba.url(), &by_dn()),
            ],
            repaired: vec![self.secret(name, self.samba.secret(), None)],
        }
    }

    fn refusals(&self) -> usize {
        let tried = self.samba.sign_ins(&by_dn()).expect("the audit log");
        tried.iter().filter(|sign_in| sign_in.status != "NT_STATUS_OK").count()
    }
}
