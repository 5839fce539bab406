//! Talking to an LDAP server as a test does: with the ldap-utils command line tools, so that what the operator's own
//! LDAP client does is judged by another one.

use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

use crate::ldif::{self, Entry};
use crate::process::with_input;

/// How a sign-in ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// The LDAP result code: 0 success, 49 invalid credentials.
    pub code: i32,
    /// What the password policy control of the answer says, such as `Account locked` or `Password must be changed`.
    pub control: Option<String>,
    /// All that the tool wrote to standard error.
    pub text: String,
}

/// A server, and the identity that may do everything there.
pub(crate) struct Client<'a> {
    pub(crate) url: String,
    pub(crate) root: (&'a str, &'a str),
}

impl Client<'_> {
    /// Tries to sign in. This counts: wrong passwords lock.
    ///
    /// # Errors
    /// When the server does not answer; a refusal is a [`Bind`].
    pub(crate) fn bind(&self, dn: &str, password: &str) -> Result<Bind> {
        let output = self
            .tool("ldapwhoami", dn, password)
            .args(["-e", "ppolicy"])
            .output()
            .context("run ldapwhoami")?;
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let Some(line) = text.lines().find_map(|line| line.strip_prefix("ldap_bind: ")) else {
            if !output.status.success() && text.contains("Can't contact LDAP server") {
                bail!("{text}");
            }
            // Without that line the bind succeeded and the control said nothing; what came after may have failed.
            return Ok(Bind {
                code: 0,
                control: None,
                text,
            });
        };
        let (result, control) = line
            .split_once(';')
            .map_or((line, None), |(r, c)| (r, Some(c.trim().to_owned())));
        let code = result
            .rsplit_once('(')
            .and_then(|(_, code)| code.trim_end().strip_suffix(')')?.parse().ok());
        Ok(Bind {
            code: code.with_context(|| format!("no result code in: {text}"))?,
            control,
            text,
        })
    }

    /// `ldapmodify` as anybody, with further arguments such as `-e relax`.
    ///
    /// # Errors
    /// When the server refuses; the text has the result code in parentheses.
    pub(crate) fn modify_as(&self, dn: &str, password: &str, args: &[&str], ldif: &str) -> Result<()> {
        let output = with_input(self.tool("ldapmodify", dn, password).args(args), ldif)?;
        checked(&output, "ldapmodify").map(drop)
    }

    /// `ldapadd` as root, which must succeed.
    pub(crate) fn add(&self, ldif: &str) -> Result<()> {
        let output = with_input(&mut self.tool("ldapadd", self.root.0, self.root.1), ldif)?;
        checked(&output, "ldapadd").map(drop)
    }

    /// `ldapsearch` as anybody; `args` are base, scope and filter in the tool's own form.
    pub(crate) fn search_as(&self, dn: &str, password: &str, args: &[&str], attributes: &[&str]) -> Result<Vec<Entry>> {
        let mut command = self.tool("ldapsearch", dn, password);
        command.args(["-LLL", "-o", "ldif-wrap=no"]).args(args).args(attributes);
        ldif::parse(&checked(&command.output().context("run ldapsearch")?, "ldapsearch")?)
    }

    /// One attribute of one entry, operational ones included; the first value where there are several.
    pub(crate) fn attribute(&self, dn: &str, name: &str) -> Result<Option<String>> {
        let args = ["-b", dn, "-s", "base", "(objectClass=*)"];
        let entries = self.search_as(self.root.0, self.root.1, &args, &[name])?;
        Ok(entries.first().and_then(|entry| entry.first(name)).map(str::to_owned))
    }

    /// One of the ldap-utils programs, such as `ldappasswd`, with server and sign-in already among its arguments.
    pub(crate) fn tool(&self, program: &str, dn: &str, password: &str) -> Command {
        let mut command = Command::new(program);
        // Only what is said here counts, not an ldaprc of the machine or of its user.
        command
            .env("LDAPNOINIT", "1")
            .args(["-x", "-H", &self.url, "-D", dn, "-w", password]);
        command
    }
}

/// What the tool wrote, where it succeeded.
pub(crate) fn checked(output: &Output, tool: &str) -> Result<String> {
    if !output.status.success() {
        let code = output
            .status
            .code()
            .map_or_else(|| output.status.to_string(), |code| code.to_string());
        bail!(
            "{tool} ended with ({code}): {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
