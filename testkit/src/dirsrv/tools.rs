//! Talking to the server as a test does, see [`crate::ldap`].

use std::process::Command;

use anyhow::{Result, bail};

use super::{Dirsrv, ROOT_DN, SUFFIX};
use crate::ldap::{Bind, Client};
use crate::ldif::{self, Entry};
use crate::slapd::{User, initial_password, seed, user_dn};

impl Dirsrv {
    /// Tries to sign in. This counts: wrong passwords lock.
    ///
    /// # Errors
    /// When the server does not answer; a refusal is a [`Bind`].
    pub fn bind(&self, dn: &str, password: &str) -> Result<Bind> {
        self.client().bind(dn, password)
    }

    /// Locks a person out by wrong passwords, as many as it takes until the server says so.
    pub fn lock(&self, uid: &str) -> Result<()> {
        const ENOUGH: usize = 10;
        for _ in 0..ENOUGH {
            let bind = self.bind(&user_dn(uid), "not the password")?;
            match bind.code {
                49 => {}
                19 => return Ok(()),
                code => bail!("a wrong password of {uid} was answered with {code}: {}", bind.text),
            }
        }
        bail!("{uid} is not locked after {ENOUGH} wrong passwords; is passwordLockout on?")
    }

    /// Adds somebody whose password need not be changed.
    pub fn add_person(&self, user: &User) -> Result<()> {
        self.add(&seed::user(user))?;
        // Whoever is made under passwordMustChange has to change it.
        let dn = ldif::line("dn", &user_dn(&user.uid));
        self.modify(&format!("{dn}changetype: modify\nreplace: passwordExpirationTime\n"))
    }

    /// A password policy of its own for a person; `settings` are lines such as `passwordLockout: off`.
    pub fn set_policy(&self, uid: &str, settings: &str) -> Result<()> {
        let policy = format!("cn={uid},ou=policies,{SUFFIX}");
        self.add(&format!(
            "dn: {policy}\nobjectClass: top\nobjectClass: ldapsubentry\nobjectClass: passwordPolicy\n\
             objectClass: extensibleObject\ncn: {uid}\n{settings}\n"
        ))?;
        self.set(uid, "pwdpolicysubentry", &[&policy])
    }

    /// Replaces the values of an attribute of a person, as root.
    pub fn set(&self, uid: &str, attribute: &str, values: &[&str]) -> Result<()> {
        let mut change = ldif::line("dn", &user_dn(uid)) + "changetype: modify\n" + &format!("replace: {attribute}\n");
        for value in values {
            change += &ldif::line(attribute, value);
        }
        self.modify(&change)
    }

    /// Sets one attribute of cn=config.
    pub fn configure(&self, attribute: &str, value: &str) -> Result<()> {
        let line = ldif::line(attribute, value);
        self.modify(&format!(
            "dn: cn=config\nchangetype: modify\nreplace: {attribute}\n{line}"
        ))
    }

    /// Whether the person signs in with the first password.
    pub fn signs_in(&self, uid: &str) -> Result<bool> {
        Ok(self.bind(&user_dn(uid), &initial_password(uid))?.code == 0)
    }

    /// `ldapmodify` as root, which must succeed.
    pub fn modify(&self, ldif: &str) -> Result<()> {
        self.client().modify_as(ROOT_DN, self.secret(), &[], ldif)
    }

    /// `ldapmodify` as anybody.
    ///
    /// # Errors
    /// When the server refuses; the text has the result code in parentheses.
    pub fn modify_as(&self, dn: &str, password: &str, ldif: &str) -> Result<()> {
        self.client().modify_as(dn, password, &[], ldif)
    }

    /// `ldapadd` as root, which must succeed.
    pub fn add(&self, ldif: &str) -> Result<()> {
        self.client().add(ldif)
    }

    /// `ldapsearch` as anybody; `args` are base, scope and filter in the tool's own form.
    pub fn search_as(&self, dn: &str, password: &str, args: &[&str], attributes: &[&str]) -> Result<Vec<Entry>> {
        self.client().search_as(dn, password, args, attributes)
    }

    /// One attribute of one entry, operational ones included; the first value where there are several.
    pub fn attribute(&self, dn: &str, name: &str) -> Result<Option<String>> {
        self.client().attribute(dn, name)
    }

    /// One of the ldap-utils programs, with server and sign-in already among its arguments.
    pub fn tool(&self, program: &str, dn: &str, password: &str) -> Command {
        self.client().tool(program, dn, password)
    }

    fn client(&self) -> Client<'_> {
        Client {
            url: self.url(),
            root: (ROOT_DN, self.secret()),
        }
    }
}
