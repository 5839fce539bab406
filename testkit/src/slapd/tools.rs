//! Talking to the server as a test does, see [`crate::ldap`].

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Entry, ROOT_DN, Slapd, policy_dn, user_dn};
use crate::ldap::{Bind, Client};
use crate::{ldif, wait};

/// A write in the access log (slapo-accesslog(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedWrite {
    /// `add`, `modify`, `delete`, `modrdn`.
    pub kind: String,
    /// The entry that was written.
    pub dn: String,
    /// As in `pwdAccountLockedTime:-` or `userPassword:= {SSHA}...`.
    pub changes: Vec<String>,
    /// The LDAP result code.
    pub result: i32,
}

impl Slapd {
    /// Tries to sign in. This counts: wrong passwords lock.
    ///
    /// # Errors
    /// When the server does not answer; a refusal is a [`Bind`].
    pub fn bind(&self, dn: &str, password: &str) -> Result<Bind> {
        self.client().bind(dn, password)
    }

    /// Locks a person out by wrong passwords, as many as it takes until pwdAccountLockedTime is set. (Where the policy
    /// has pwdLockout FALSE that attribute is set too and locks nobody.)
    pub fn lock(&self, uid: &str) -> Result<()> {
        const ENOUGH: usize = 20;
        for _ in 0..ENOUGH {
            let bind = self.bind(&user_dn(uid), "not the password")?;
            if bind.code != 49 {
                bail!(
                    "a wrong password of {uid} was answered with {}: {}",
                    bind.code,
                    bind.text
                );
            }
            if self.attribute(&user_dn(uid), "pwdAccountLockedTime")?.is_some() {
                return Ok(());
            }
        }
        bail!("{uid} is not locked after {ENOUGH} wrong passwords; does the policy set pwdMaxFailure?")
    }

    /// Sets the end of a temporary lock, as wrong passwords under a policy with pwdMinDelay would, to a GeneralizedTime
    /// such as `20990101000000Z`. Written with the Relax control, for the attribute is the server's own.
    pub fn cool_down(&self, uid: &str, until: &str) -> Result<()> {
        let dn = ldif::line("dn", &user_dn(uid));
        let change =
            format!("{dn}changetype: modify\nreplace: pwdAccountTmpLockoutEnd\npwdAccountTmpLockoutEnd: {until}\n");
        self.modify_as(ROOT_DN, self.secret(), &["-e", "!relax"], &change)
    }

    /// Gives a person one of the policies of [`super::Options::policies`].
    pub fn set_policy(&self, uid: &str, policy: &str) -> Result<()> {
        let dn = ldif::line("dn", &user_dn(uid));
        let policy = policy_dn(policy);
        self.modify(&format!(
            "{dn}changetype: modify\nreplace: pwdPolicySubentry\npwdPolicySubentry: {policy}\n"
        ))
    }

    /// `ldapmodify` as the database's root, which must succeed.
    pub fn modify(&self, ldif: &str) -> Result<()> {
        self.modify_as(ROOT_DN, self.secret(), &[], ldif)
    }

    /// `ldapmodify` as anybody, with further arguments such as `-e relax`.
    ///
    /// # Errors
    /// When the server refuses; the text has the result code in parentheses.
    pub fn modify_as(&self, dn: &str, password: &str, args: &[&str], ldif: &str) -> Result<()> {
        self.client().modify_as(dn, password, args, ldif)
    }

    /// `ldapadd` as the database's root, which must succeed.
    pub fn add(&self, ldif: &str) -> Result<()> {
        self.client().add(ldif)
    }

    /// `ldapsearch` below `base` as the database's root. Operational attributes come only by name or with `+`.
    pub fn search(&self, base: &str, filter: &str, attributes: &[&str]) -> Result<Vec<Entry>> {
        self.search_as(ROOT_DN, self.secret(), &["-b", base, filter], attributes)
    }

    /// `ldapsearch` as anybody; `args` are base, scope and filter in the tool's own form.
    pub fn search_as(&self, dn: &str, password: &str, args: &[&str], attributes: &[&str]) -> Result<Vec<Entry>> {
        self.client().search_as(dn, password, args, attributes)
    }

    /// One attribute of one entry, operational ones included; the first value where there are several.
    pub fn attribute(&self, dn: &str, name: &str) -> Result<Option<String>> {
        self.client().attribute(dn, name)
    }

    /// Every write that somebody has sent, refused ones included, oldest first.
    pub fn writes_by(&self, dn: &str) -> Result<Vec<LoggedWrite>> {
        let filter = format!("(reqAuthzID={dn})");
        let entries = self.search("cn=accesslog", &filter, &["reqType", "reqDN", "reqMod", "reqResult"])?;
        entries.iter().map(logged).collect()
    }

    /// The result codes of every sign-in that was tried as `dn`, oldest first. From the server's log: the access log
    /// overlay misses those that the policy overlay refuses.
    pub fn binds_of(&self, dn: &str) -> Result<Vec<i32>> {
        // The server answers a moment before it logs the result.
        wait::until_ok(
            "a result for each bind in the log of slapd",
            Duration::from_secs(5),
            || bind_results(&self.log()?, dn),
        )
    }

    /// One of the ldap-utils programs, such as `ldappasswd`, with server and sign-in already among its arguments.
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

/// Lines like `conn=1 op=0 BIND dn="..." method=128` and, later, `conn=1 op=0 RESULT tag=97 err=49 ...`, after a time
/// stamp. Connection numbers begin anew when the server is started again, so a result is sought only downwards.
fn bind_results(log: &str, dn: &str) -> Result<Vec<i32>> {
    let mut results = Vec::new();
    let asked = format!("BIND dn=\"{dn}\" method=").to_lowercase();
    let lines: Vec<&str> = log
        .lines()
        .filter_map(|line| Some(&line[line.find("conn=")?..]))
        .collect();
    for (at, line) in lines.iter().enumerate() {
        let Some(operation) = line.to_lowercase().find(&asked) else {
            continue;
        };
        let answer = format!("{}RESULT ", &line[..operation]);
        let result = lines[at..]
            .iter()
            .find(|line| line.starts_with(&answer))
            .and_then(|line| line.split_once(" err=")?.1.split(' ').next()?.parse().ok());
        results.push(result.with_context(|| format!("no result after: {line}"))?);
    }
    Ok(results)
}

fn logged(entry: &Entry) -> Result<LoggedWrite> {
    let text = |name: &str| entry.first(name).unwrap_or_default().to_owned();
    Ok(LoggedWrite {
        kind: text("reqType"),
        dn: text("reqDN"),
        changes: entry.values("reqMod").into_iter().map(str::to_owned).collect(),
        result: result_code(entry)?,
    })
}

fn result_code(entry: &Entry) -> Result<i32> {
    let code = entry
        .first("reqResult")
        .with_context(|| format!("{} has no result", entry.dn))?;
    code.parse()
        .with_context(|| format!("{} has the result {code}", entry.dn))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"
6561 0x7f conn=1000 fd=12 ACCEPT from IP=127.0.0.1:1 (IP=127.0.0.1:2)
6561 0x7f conn=1000 op=0 BIND dn="cn=A,dc=x" method=128
6561 0x7f conn=1001 op=0 BIND dn="cn=a,dc=x" method=128
6561 0x7f conn=1000 op=0 RESULT tag=97 err=49 qtime=0.000009 etime=0.000200 text=
6561 0x7f conn=1001 op=0 BIND dn="cn=a,dc=x" mech=SIMPLE bind_ssf=0 ssf=0
6561 0x7f conn=1001 op=0 RESULT tag=97 err=0 qtime=0.000009 etime=0.000200 text=
6561 0x7f conn=1001 op=1 BIND dn="cn=b,dc=x" method=128
"#;

    #[test]
    fn finds_the_result_of_each_bind() {
        assert_eq!(bind_results(LOG, "cn=a,dc=x").expect("all have results"), [49, 0]);
        assert_eq!(bind_results(LOG, "cn=c,dc=x").expect("nobody asked"), [0; 0]);
        bind_results(LOG, "cn=b,dc=x").expect_err("not answered yet");
    }
}
