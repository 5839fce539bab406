//! Who and what is in the directory at the start: plain data.

use super::{OPERATOR_DN, Options, READER_DN, SUFFIX, WRITER_DN, group_dn, policy_dn, user_dn};
use crate::ldif;

/// Attributes of a pwdPolicy entry (slapo-ppolicy(5)).
#[derive(Debug, Clone)]
pub struct Policy(Vec<(String, String)>);

impl Policy {
    /// Locks for good after three wrong passwords; a reset must be followed by a change.
    pub fn usual() -> Self {
        Self(Vec::new())
            .with("pwdLockout", "TRUE")
            .with("pwdMaxFailure", "3")
            .with("pwdLockoutDuration", "0")
            .with("pwdFailureCountInterval", "0")
            .with("pwdMustChange", "TRUE")
            .with("pwdAllowUserChange", "TRUE")
            .with("pwdSafeModify", "FALSE")
            .with("pwdMinLength", "8")
            .with("pwdCheckQuality", "1")
            .with("pwdInHistory", "0")
    }

    /// With one attribute set or replaced.
    #[must_use]
    pub fn with(self, attribute: &str, value: &str) -> Self {
        let mut policy = self.without(attribute);
        policy.0.push((attribute.to_owned(), value.to_owned()));
        policy
    }

    /// With one attribute removed.
    #[must_use]
    pub fn without(mut self, attribute: &str) -> Self {
        self.0.retain(|(name, _)| !name.eq_ignore_ascii_case(attribute));
        self
    }
}

/// One policy for each trap that the overlay has. None sets pwdMinDelay: slapd 2.5.13, Debian 12's, ends with "stack
/// smashing detected" at the first wrong password under it; see [`super::Slapd::cool_down`].
pub fn named_policies() -> Vec<(String, Policy)> {
    let usual = Policy::usual;
    let policies = [
        ("two-seconds", usual().with("pwdLockoutDuration", "2")),
        ("no-lockout", usual().with("pwdLockout", "FALSE")),
        ("no-must-change", usual().with("pwdMustChange", "FALSE")),
        ("long", usual().with("pwdMinLength", "12").with("pwdCheckQuality", "2")),
        ("history", usual().with("pwdInHistory", "5")),
        ("safe-modify", usual().with("pwdSafeModify", "TRUE")),
        ("min-age", usual().with("pwdMinAge", "3600")),
        // Does something only with `lastbind on`.
        ("idle", usual().with("pwdMaxIdle", "1")),
    ];
    policies
        .into_iter()
        .map(|(name, policy)| (name.to_owned(), policy))
        .collect()
}

/// An inetOrgPerson below `ou=people`, named by uid.
#[derive(Debug, Clone)]
pub struct User {
    pub uid: String,
    pub name: String,
    pub surname: String,
    pub mail: String,
    /// `staff`, `contractor` or `executive`.
    pub employee_type: String,
    /// Two letters; stored in `departmentNumber`, since inetOrgPerson knows no country.
    pub country: String,
}

/// uid, name, surname, mail, kind, country.
const USERS: &[[&str; 6]] = &[
    // The same people as on the test API server: for requests about oneself.
    ["alice", "Alice Archer", "Archer", "alice@example.com", "staff", "DE"],
    ["bob", "Bob Brandt", "Brandt", "bob@example.com", "staff", "DE"],
    // Ordinary people.
    ["dana", "Dana Doyle", "Doyle", "dana@example.com", "staff", "DE"],
    ["erik", "Erik Engström", "Engström", "erik@example.com", "staff", "SE"],
    ["fay", "Fay Fischer", "Fischer", "fay@example.com", "contractor", "DE"],
    ["gus", "Gus Grant", "Grant", "gus@example.com", "contractor", "PT"],
    ["hana", "Hana Hoshi", "Hoshi", "hana@example.com", "staff", "JP"],
    ["ivan", "Ivan Ilic", "Ilic", "ivan@example.com", "staff", "HR"],
    ["xena", "Xena Xiros", "Xiros", "xena@example.com", "executive", "DE"],
    // One address, two people.
    ["twin1", "Tess Twin", "Twin", "twins@example.com", "staff", "DE"],
    ["twin2", "Theo Twin", "Twin", "twins@example.com", "staff", "DE"],
    // Names that are syntax somewhere: in filters, in DNs, in URLs.
    ["star*", "Star Sign", "Sign", "star@example.com", "staff", "DE"],
    ["paren(s)", "Paren Thesis", "Thesis", "paren@example.com", "staff", "DE"],
    [
        "o'hara, jo",
        "Jo O'Hara",
        "O'Hara",
        "jo+test@example.com",
        "staff",
        "IE",
    ],
    // Administrators: in the group `admins` directly, and by way of `platform` in it.
    ["root1", "Ruth Root", "Root", "root1@example.com", "staff", "DE"],
    ["nested", "Nina Nested", "Nested", "nested@example.com", "staff", "DE"],
];

/// Group, member DNs. `admins` contains `platform`, which contains `nested`.
fn groups() -> Vec<(&'static str, Vec<String>)> {
    vec![
        ("platform", vec![user_dn("nested")]),
        ("admins", vec![user_dn("root1"), group_dn("platform")]),
        (
            "staff",
            vec![user_dn("alice"), user_dn("bob"), user_dn("dana"), user_dn("erik")],
        ),
    ]
}

/// Sixteen people: ordinary ones, twins with one address, names full of syntax, and administrators.
pub fn usual_users() -> Vec<User> {
    let user = |[uid, name, surname, mail, employee_type, country]: &[&str; 6]| User {
        uid: (*uid).into(),
        name: (*name).into(),
        surname: (*surname).into(),
        mail: (*mail).into(),
        employee_type: (*employee_type).into(),
        country: (*country).into(),
    };
    USERS.iter().map(user).collect()
}

/// The password that a person has at the start.
pub fn initial_password(uid: &str) -> String {
    format!("Initial-{uid}-1")
}

/// All entries as LDIF, parents first.
pub(super) fn text(options: &Options, secret: &str) -> String {
    let mut text =
        format!("dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n");
    for unit in ["people", "groups", "policies", "services"] {
        text += &format!("dn: ou={unit},{SUFFIX}\nobjectClass: organizationalUnit\nou: {unit}\n\n");
    }
    text += &policy("default", &options.default_policy);
    for (name, attributes) in &options.policies {
        text += &policy(name, attributes);
    }
    // Hashing is the server's business only with hash_cleartext; signing in works either way.
    for dn in [OPERATOR_DN, WRITER_DN, READER_DN] {
        text += &ldif::line("dn", dn);
        text +=
            &format!("objectClass: organizationalRole\nobjectClass: simpleSecurityObject\nuserPassword: {secret}\n\n");
    }
    text + &people(&options.users)
}

/// People, and the groups of those of the usual ones who are among them.
pub(crate) fn people(users: &[User]) -> String {
    let mut text: String = users.iter().map(user).collect();
    // A test with people of its own has none of the usual ones to put into groups.
    let is_there =
        |member: &String| member.contains("ou=groups") || users.iter().any(|user| *member == user_dn(&user.uid));
    for (name, members) in groups() {
        if members.iter().all(is_there) {
            text += &group(name, &members);
        }
    }
    text
}

fn policy(name: &str, policy: &Policy) -> String {
    let mut text = ldif::line("dn", &policy_dn(name));
    // pwdPolicy is auxiliary; organizationalRole is the structural class beside it.
    text += "objectClass: organizationalRole\nobjectClass: pwdPolicy\npwdAttribute: userPassword\n";
    for (attribute, value) in &policy.0 {
        text += &ldif::line(attribute, value);
    }
    text + "\n"
}

pub(crate) fn user(user: &User) -> String {
    let mut text = ldif::line("dn", &user_dn(&user.uid));
    text += "objectClass: inetOrgPerson\n";
    let attributes = [
        ("uid", user.uid.as_str()),
        ("cn", &user.name),
        ("sn", &user.surname),
        ("mail", &user.mail),
        ("employeeType", &user.employee_type),
        ("departmentNumber", &user.country),
        ("userPassword", &initial_password(&user.uid)),
    ];
    for (attribute, value) in attributes {
        text += &ldif::line(attribute, value);
    }
    text + "\n"
}

fn group(name: &str, members: &[String]) -> String {
    let mut text = ldif::line("dn", &group_dn(name));
    text += "objectClass: groupOfNames\n";
    for member in members {
        text += &ldif::line("member", member);
    }
    text + "\n"
}
