//! The server's own audit log (`auth_json_audit`, `dsdb_json_audit` in smb.conf(5)): one JSON object a line, passwords
//! left out. Ground truth of what was really tried and written.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{OPERATOR, Samba};
use crate::wait;

/// One attempt to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Such as `NT_STATUS_OK` and `NT_STATUS_WRONG_PASSWORD`.
    pub status: String,
    /// Who it was, where it succeeded.
    pub sid: Option<String>,
}

/// One write, refused ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The entry.
    pub dn: String,
    /// As in `lockoutTime replace 0`; the value of a password is `(hidden)`. In the order of names.
    pub attributes: Vec<String>,
    /// The LDAP result code.
    pub result: i64,
}

impl Samba {
    /// Every attempt to sign in with this name, oldest first.
    pub fn sign_ins(&self, name: &str) -> Result<Vec<SignIn>> {
        let lines = self.audit("auth.json")?;
        let of_name = lines.iter().map(|line| &line["Authentication"]).filter(|attempt| {
            let tried = attempt["clientAccount"].as_str().unwrap_or_default();
            tried.eq_ignore_ascii_case(name)
        });
        Ok(of_name
            .map(|attempt| SignIn {
                status: attempt["status"].as_str().unwrap_or_default().to_owned(),
                sid: attempt["becameSid"].as_str().map(str::to_owned),
            })
            .collect())
    }

    /// What the operator has tried to change of an entry, oldest first.
    pub fn changes_of(&self, dn: &str) -> Result<Vec<Change>> {
        let operator = self.sign_ins(OPERATOR)?.into_iter().find_map(|sign_in| sign_in.sid);
        let lines = self.audit("changes.json")?;
        let by_operator = lines.iter().map(|line| &line["dsdbChange"]).filter(|change| {
            change["userSid"].as_str() == operator.as_deref()
                && change["dn"]
                    .as_str()
                    .is_some_and(|changed| changed.eq_ignore_ascii_case(dn))
        });
        Ok(by_operator.map(change).collect())
    }

    fn audit(&self, file: &str) -> Result<Vec<Value>> {
        objects(&self.dir().join(file))
    }
}

/// How long the server may take to finish a line.
const PATIENCE: Duration = Duration::from_secs(5);

/// The objects of a log, which has none where the server has logged nothing yet. Long lines are written in pieces: one
/// whose end is missing is awaited.
fn objects(file: &Path) -> Result<Vec<Value>> {
    let whole = wait::until_ok("the end of a line", PATIENCE, || match std::fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Ok(text) if text.is_empty() || text.ends_with('\n') => Ok(text),
        Ok(text) => bail!("it ends in: {}", text.lines().last().unwrap_or_default()),
        Err(error) => Err(error.into()),
    });
    let text = whole.with_context(|| format!("read {}", file.display()))?;
    let objects = text.lines().map(str::trim).filter(|line| line.starts_with('{'));
    objects
        .map(|line| serde_json::from_str(line).with_context(|| format!("a line of {}: {line}", file.display())))
        .collect()
}

fn change(change: &Value) -> Change {
    let mut attributes: Vec<String> = Vec::new();
    for (name, attribute) in change["attributes"].as_object().into_iter().flatten() {
        for action in attribute["actions"].as_array().into_iter().flatten() {
            let value = match action["redacted"].as_bool() {
                Some(true) => "(hidden)",
                _ => action["values"][0]["value"].as_str().unwrap_or_default(),
            };
            let kind = action["action"].as_str().unwrap_or_default();
            attributes.push(format!("{name} {kind} {value}").trim_end().to_owned());
        }
    }
    attributes.sort();
    Change {
        dn: change["dn"].as_str().unwrap_or_default().to_owned(),
        attributes,
        result: change["statusCode"].as_i64().unwrap_or(-1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_line_in_the_writing_is_awaited() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("changes.json");
        assert_eq!(objects(&path).expect("no log yet"), [] as [Value; 0]);
        let mut file = std::fs::File::create(&path).expect("a file");
        file.write_all(b"{\"n\": 1}\n{\"n\":").expect("a piece");
        let rest = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(150));
            file.write_all(b" 2}\n").expect("the rest");
        });
        let read = objects(&path).expect("two lines");
        rest.join().expect("written");
        assert_eq!(
            read.iter().map(|line| line["n"].as_i64()).collect::<Vec<_>>(),
            [Some(1), Some(2)]
        );
    }
}
