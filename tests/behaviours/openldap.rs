//! OpenLDAP: a real slapd with the password policy overlay. Its access log tells what was written, its own log how
//! often somebody tried to sign in.

use crate::{
    fixture::{Fixture, Lacking, Person, SignIn, Way, Wrong},
    support::ldap,
    way::Proxied,
};
use readmit::domain::account::Step;
use serde_json::{Value, json};
use testkit::slapd::{self, LoggedWrite, OPERATOR_DN, Slapd, WRITER_DN, group_dn, user_dn};

const NOT_DISABLED: Lacking = Lacking("OpenLDAP has no disabled accounts");
const NO_SESSIONS: Lacking = Lacking("LDAP keeps no sessions");

struct OpenLdap {
    slapd: Slapd,
}

/// The server, with the usual people.
pub fn start() -> anyhow::Result<Box<dyn Fixture>> {
    let slapd = ldap::try_server(&[])?;
    Ok(Box::new(OpenLdap { slapd }))
}

impl OpenLdap {
    fn add(&self, uid: &str, email: &str) -> Person {
        let password = slapd::initial_password(uid);
        let dn = user_dn(uid);
        // Names with every kind of character go through LDIF in base64.
        let base64 = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
        let entry = format!(
            "dn:: {}\nobjectClass: inetOrgPerson\nuid:: {}\ncn:: {}\nsn: Person\nmail: {email}\n\
             userPassword:: {}\n\n",
            base64(&dn),
            base64(uid),
            base64(uid),
            base64(&password)
        );
        self.slapd.add(&entry).expect("a new person");
        // As if the owner had chosen it a while ago: root's own writes leave no such trace.
        let change = format!(
            "dn:: {}\nchangetype: modify\nreplace: pwdChangedTime\npwdChangedTime: 20260101000000Z\n",
            base64(&dn)
        );
        self.slapd
            .modify_as(slapd::ROOT_DN, self.slapd.secret(), &["-e", "relax"], &change)
            .expect("root may do that");
        Person {
            login: uid.into(),
            id: ldap::id(&self.slapd, uid),
            email: email.into(),
            password,
            handle: dn,
        }
    }
}

impl Fixture for OpenLdap {
    fn provider(&self) -> &'static str {
        "openldap"
    }

    fn directory(&self, name: &str, way: Option<&dyn Way>) -> Vec<Value> {
        let mut more = json!({
            "usernamePrefix": "oidc:",
            "provider": {"openldap": {"administrators": [group_dn("admins")]}},
        });
        let mut secret = ldap::secret(name, &self.slapd, self.slapd.secret());
        if let Some(way) = way {
            more["provider"]["openldap"]["url"] = way.url().into();
            secret["stringData"]["ca.crt"] = way.ca_pem().expect("the way speaks TLS").into();
        }
        vec![secret, ldap::directory(name, &self.slapd, &more)]
    }

    fn person(&self, name: &str) -> Person {
        match name {
            // One of the usual people.
            "alice" => Person {
                login: name.into(),
                id: ldap::id(&self.slapd, name),
                email: "alice@example.com".into(),
                password: slapd::initial_password(name),
                handle: user_dn(name),
            },
            _ => self.add(name, &format!("{}@example.com", ldap_address(name))),
        }
    }

    fn odd_names(&self) -> Vec<String> {
        [
            "odd*",
            "odd(s)",
            "o'hara, jo odd",
            "odd\\name",
            "odd+plus=x",
            "ödd",
            "#odd ",
        ]
        .map(|name| name.trim().to_owned())
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
        self.slapd.modify(&change).expect("a new administrator");
        self.lock(&person);
        (person, "it is a member of administrators[0]")
    }

    fn disabled(&self, _: &str, _: bool) -> Result<Person, Lacking> {
        Err(NOT_DISABLED)
    }

    fn lock(&self, person: &Person) {
        self.slapd.lock(&person.login).expect("locked by wrong sign-ins");
    }

    fn sign_in(&self, person: &Person, password: &str) -> SignIn {
        match ldap::signs_in(&self.slapd, &person.login, password) {
            (true, control) if control.contains("Password must be changed") => SignIn::MustChange,
            (true, _) => SignIn::Welcome,
            (false, _) => SignIn::Refused,
        }
    }

    fn choose_password(&self, person: &Person, old: &str, new: &str) -> Result<(), Lacking> {
        let mut tool = self.slapd.tool("ldappasswd", &person.handle, old);
        let output = tool.args(["-a", old, "-s", new]).output().expect("run ldappasswd");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn links(&self, _: &Person) -> usize {
        unreachable!("OpenLDAP sends no links")
    }

    fn follow_link(&self, _: &Person, _: &str) {
        unreachable!("OpenLDAP sends no links")
    }

    fn open_session(&self, _: &Person) -> Result<(), Lacking> {
        Err(NO_SESSIONS)
    }

    fn sessions(&self, _: &Person) -> usize {
        0
    }

    fn writes(&self, person: &Person) -> Vec<String> {
        // Both of the operator's identities: one of them is the row's with the wrong credential.
        let writes = [OPERATOR_DN, WRITER_DN].map(|dn| self.slapd.writes_by(dn).expect("the access log"));
        let words = |write: &LoggedWrite| format!("{} {}: {}", write.kind, write.result, write.changes.join(" "));
        let about = |write: &&LoggedWrite| write.dn.eq_ignore_ascii_case(&person.handle);
        writes.iter().flatten().filter(about).map(words).collect()
    }

    fn passwords(&self, person: &Person) -> usize {
        ldap::passwords(&self.slapd, &person.login).len()
    }

    fn unable(&self, step: Step) -> Option<&'static str> {
        (step == Step::SendLink).then_some("openldap cannot mail links; set method: TemporaryPassword")
    }

    fn unproven(&self, _: Step) -> Option<&'static str> {
        None
    }

    fn way(&self) -> Box<dyn Way> {
        Proxied::ldap(self.slapd.url().trim_start_matches("ldap://"), false)
    }

    fn wrong_credential(&self, name: &str) -> Wrong {
        let more = json!({"provider": {"openldap": {"bindDN": WRITER_DN}}});
        Wrong {
            manifests: vec![
                ldap::secret(name, &self.slapd, "not the password"),
                ldap::directory(name, &self.slapd, &more),
            ],
            repaired: vec![ldap::secret(name, &self.slapd, self.slapd.secret())],
        }
    }

    fn refusals(&self) -> usize {
        let binds = self.slapd.binds_of(WRITER_DN).expect("its log");
        binds.iter().filter(|code| **code == 49).count()
    }
}

/// The part of an address before the @, for any name.
fn ldap_address(name: &str) -> String {
    let word = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    name.chars().map(word).collect()
}
