//! Talking to the domain controller as a test does: with ldap-utils and samba-tool, so that what the operator's own LDAP
//! client does is judged by another one.

use std::process::Command;

use anyhow::{Context, Result, bail};
use data_encoding::BASE64;

use super::{ADMINISTRATOR, Samba, person_dn};
use crate::process::with_input;
use crate::{ldap::checked, ldif};

/// How a sign-in ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// The LDAP result code: 0 success, 49 invalid credentials.
    pub code: i32,
    /// The Win32 code of a refusal, as the server writes it: `52e`, `775`, `773`.
    pub data: Option<String>,
    /// All that the tool wrote to standard error.
    pub text: String,
}

impl Samba {
    /// Tries to sign in, by DN or principal name. This counts: wrong passwords lock.
    ///
    /// # Errors
    /// When the server does not answer; a refusal is a [`Bind`].
    pub fn bind(&self, name: &str, password: &str) -> Result<Bind> {
        // The server refuses "Who am I?", so the root entry is read.
        let output = self
            .tool("ldapsearch", name, password)
            .args(["-LLL", "-b", "", "-s", "base", "(objectClass=*)", "1.1"])
            .output()
            .context("run ldapsearch")?;
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() {
            return Ok(Bind {
                code: 0,
                data: None,
                text,
            });
        }
        let line = text.lines().find_map(|line| line.strip_prefix("ldap_bind: "));
        let code = line
            .and_then(|line| line.rsplit_once('('))
            .and_then(|(_, code)| code.trim_end().strip_suffix(')')?.parse().ok());
        let data = text.split_once("data ").and_then(|(_, rest)| rest.split(',').next());
        Ok(Bind {
            code: code.with_context(|| format!("no result code in: {text}"))?,
            data: data.map(str::to_owned),
            text,
        })
    }

    /// Locks a person out by wrong passwords, as many as it takes.
    pub fn lock(&self, name: &str) -> Result<()> {
        const ENOUGH: usize = 10;
        for _ in 0..ENOUGH {
            let bind = self.bind(&person_dn(name), "not the password")?;
            match (bind.code, bind.data.as_deref()) {
                (49, Some("775")) => return Ok(()),
                (49, Some("52e")) => {}
                _ => bail!(
                    "a wrong password of {name} was answered with {}: {}",
                    bind.code,
                    bind.text
                ),
            }
        }
        bail!("{name} is not locked after {ENOUGH} wrong passwords")
    }

    /// `ldapmodify` as the administrator, which must succeed.
    pub fn modify(&self, change: &str) -> Result<()> {
        let output = with_input(&mut self.tool("ldapmodify", ADMINISTRATOR, self.secret()), change)?;
        checked(&output, "ldapmodify").map(drop)
    }

    /// Replaces one attribute of an entry as the administrator.
    pub fn set(&self, dn: &str, attribute: &str, value: &str) -> Result<()> {
        self.modify(&format!(
            "dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n"
        ))
    }

    /// Puts somebody, or a group, into a group.
    pub fn join(&self, group: &str, member: &str) -> Result<()> {
        self.modify(&format!(
            "dn: {group}\nchangetype: modify\nadd: member\nmember: {member}\n"
        ))
    }

    /// `ldapadd` as the administrator, which must succeed.
    pub fn add(&self, entries: &str) -> Result<()> {
        let output = with_input(&mut self.tool("ldapadd", ADMINISTRATOR, self.secret()), entries)?;
        checked(&output, "ldapadd").map(drop)
    }

    /// One attribute of one entry; the first value where there are several. For text.
    pub fn attribute(&self, dn: &str, name: &str) -> Result<Option<String>> {
        let mut command = self.tool("ldapsearch", ADMINISTRATOR, self.secret());
        command.args([
            "-LLL",
            "-o",
            "ldif-wrap=no",
            "-b",
            dn,
            "-s",
            "base",
            "(objectClass=*)",
            name,
        ]);
        let text = checked(&command.output().context("run ldapsearch")?, "ldapsearch")?;
        let entries = ldif::parse(&text)?;
        Ok(entries.first().and_then(|entry| entry.first(name)).map(str::to_owned))
    }

    /// The immutable id of an entry (objectGUID), in text form.
    pub fn id(&self, dn: &str) -> Result<String> {
        let mut command = self.tool("ldapsearch", ADMINISTRATOR, self.secret());
        command.args([
            "-LLL",
            "-o",
            "ldif-wrap=no",
            "-b",
            dn,
            "-s",
            "base",
            "(objectClass=*)",
            "objectGUID",
        ]);
        let text = checked(&command.output().context("run ldapsearch")?, "ldapsearch")?;
        let encoded = text.lines().find_map(|line| line.strip_prefix("objectGUID:: "));
        let octets = encoded.map(|encoded| BASE64.decode(encoded.trim().as_bytes()));
        let octets = octets.with_context(|| format!("{dn} shows no objectGUID: {text}"))??;
        let hex =
            |places: &[usize]| -> String { places.iter().map(|place| format!("{:02x}", octets[*place])).collect() };
        // The first three parts have their low octet first (MS-DTYP 2.3.4).
        Ok([
            hex(&[3, 2, 1, 0]),
            hex(&[5, 4]),
            hex(&[7, 6]),
            hex(&[8, 9]),
            hex(&[10, 11, 12, 13, 14, 15]),
        ]
        .join("-"))
    }

    /// One of the ldap-utils programs, with server and sign-in already among its arguments.
    pub fn tool(&self, program: &str, name: &str, password: &str) -> Command {
        let mut command = Command::new(program);
        // Only what is said here counts, not the settings of the machine or of its user.
        command
            .env("LDAPCONF", "/dev/null")
            .env("LDAPRC", "/dev/null")
            .env("LDAPTLS_CACERT", self.ca_file())
            .args(["-x", "-H", &self.url(), "-D", name, "-w", password]);
        command
    }

    /// samba-tool on the database itself.
    pub fn samba_tool(&self, words: &[&str]) -> Command {
        let mut command = Command::new("samba-tool");
        command.args(words);
        command.arg(format!("--URL={}", self.dir().join("private/sam.ldb").display()));
        command.arg(format!("--configfile={}", self.config().display()));
        command
    }
}
