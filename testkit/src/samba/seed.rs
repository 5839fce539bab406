//! The first content of the domain: units, service accounts, people, the lockout policy, and the operator's rights.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use data_encoding::BASE64;

use super::{DOMAIN_DN, OPERATOR, READER, Samba};
use crate::ldif;

/// Where the people are, and where the operator has rights.
pub const PEOPLE_DN: &str = "OU=People,DC=example,DC=test";
const SERVICES_DN: &str = "OU=Services,DC=example,DC=test";
/// Everybody's first password. It holds nobody's name, which the complexity rule would refuse.
pub const INITIAL_PASSWORD: &str = "Initial-4711-Pw";

/// The least rights of the operator, inherited by users (bf967aba...) and by nothing else: the extended right Reset
/// Password (User-Force-Change-Password), and reading and writing lockoutTime and pwdLastSet. `SID` stands for the
/// operator. What else it reads, every authenticated user may read by default.
const DELEGATION: &str = "\
(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;SID)\
(OA;CIIO;RPWP;28630ebf-41d5-11d1-a9c1-0000f80367c1;bf967aba-0de6-11d0-a285-00aa003049e2;SID)\
(OA;CIIO;RPWP;bf967a0a-0de6-11d0-a285-00aa003049e2;bf967aba-0de6-11d0-a285-00aa003049e2;SID)";

/// The people of every domain.
pub fn usual_people() -> [&'static str; 3] {
    ["alice", "bob", "dana"]
}

impl Samba {
    pub(super) fn fill(&self, more: &[&str]) -> Result<()> {
        self.modify(&lockout_policy())?;
        let units = format!("{}{}", unit(PEOPLE_DN), unit(SERVICES_DN));
        self.add(&units)?;
        let services: String = [OPERATOR, READER]
            .iter()
            .map(|name| person(name.trim_end_matches("@example.test"), SERVICES_DN, self.secret()))
            .collect();
        self.add(&services)?;
        // Before the people, so that they inherit it.
        self.delegate(PEOPLE_DN, DELEGATION)?;
        let people: String = usual_people()
            .iter()
            .chain(more)
            .map(|name| person(name, PEOPLE_DN, INITIAL_PASSWORD))
            .collect();
        self.add(&people)
    }

    /// Adds access rules for the operator to an entry.
    pub fn delegate(&self, dn: &str, rules: &str) -> Result<()> {
        let rules = rules.replace("SID", &self.sid_of(OPERATOR)?);
        let output = self
            .samba_tool(&["dsacl", "set"])
            .arg(format!("--objectdn={dn}"))
            .arg(format!("--sddl={rules}"))
            .output()
            .context("run samba-tool")?;
        if !output.status.success() {
            bail!(
                "samba-tool dsacl failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    /// The security identifier of somebody whose password is [`Samba::secret`], from the audit of a sign-in.
    fn sid_of(&self, name: &str) -> Result<String> {
        let bind = self.bind(name, self.secret())?;
        if bind.code != 0 {
            bail!("{name} cannot sign in: {}", bind.text);
        }
        let sign_ins = self.sign_ins(name)?;
        let sid = sign_ins.last().and_then(|sign_in| sign_in.sid.clone());
        sid.with_context(|| format!("the audit log has no identifier of {name}"))
    }

    /// Adds a person.
    pub fn add_person(&self, name: &str) -> Result<()> {
        self.add(&person(name, PEOPLE_DN, INITIAL_PASSWORD))
    }

    /// Adds a fine-grained password policy for one person: three wrong passwords lock for so many seconds (0: for ever).
    pub fn add_policy(&self, name: &str, person_dn: &str, lockout_seconds: i64) -> Result<()> {
        let duration = match lockout_seconds {
            0 => i64::MIN,
            seconds => -seconds * 10_000_000,
        };
        self.add(&format!(
            "dn: CN={name},CN=Password Settings Container,CN=System,{DOMAIN_DN}\n\
             objectClass: msDS-PasswordSettings\n\
             msDS-PasswordSettingsPrecedence: 10\n\
             msDS-PasswordReversibleEncryptionEnabled: FALSE\n\
             msDS-PasswordHistoryLength: 0\n\
             msDS-PasswordComplexityEnabled: TRUE\n\
             msDS-MinimumPasswordLength: 7\n\
             msDS-MinimumPasswordAge: 0\n\
             msDS-MaximumPasswordAge: {max}\n\
             msDS-LockoutThreshold: 3\n\
             msDS-LockoutObservationWindow: {window}\n\
             msDS-LockoutDuration: {duration}\n\
             msDS-PSOAppliesTo: {person_dn}\n",
            max = i64::MIN,
            window = duration.max(-1_800_000_000),
        ))
    }
}

/// Three wrong passwords lock for half an hour. After provisioning nothing does.
fn lockout_policy() -> String {
    let half_an_hour = -18_000_000_000i64;
    let values = [
        ("lockoutThreshold", 3),
        ("lockoutDuration", half_an_hour),
        ("lockOutObservationWindow", half_an_hour),
        ("minPwdAge", 0),
    ];
    let mut change = format!("dn: {DOMAIN_DN}\nchangetype: modify\n");
    for (name, value) in values {
        // Writing to a String cannot fail.
        let _ = writeln!(change, "replace: {name}\n{name}: {value}\n-");
    }
    change
}

fn unit(dn: &str) -> String {
    format!("dn: {dn}\nobjectClass: organizationalUnit\n\n")
}

fn person(name: &str, below: &str, password: &str) -> String {
    let octets: Vec<u8> = format!("\"{password}\"")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let lines = [
        ldif::line("dn", &format!("CN={},{below}", ldif::escape_dn_value(name))),
        ldif::line("sAMAccountName", name),
        ldif::line("userPrincipalName", &format!("{name}@example.test")),
        ldif::line("displayName", &format!("Person {name}")),
        ldif::line("mail", &format!("{name}@example.com")),
    ];
    format!(
        "{}objectClass: user\nsn: Person\nc: DE\nuserAccountControl: 512\nunicodePwd:: {}\n\n",
        lines.concat(),
        BASE64.encode(&octets)
    )
}
