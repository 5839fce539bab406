//! What the server itself wrote down: the access log has every request and its result, the audit log every change.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Dirsrv;
use crate::wait;

/// A request to change something, done or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// `MOD`, or `EXT` for the Password Modify operation.
    pub kind: String,
    /// The entry, where the log names it: not for `EXT`.
    pub dn: Option<String>,
    /// The nsUniqueId that was last looked for on the same connection.
    pub looked_for: Option<String>,
    /// The LDAP result code; `None` where the server has not answered.
    pub result: Option<i32>,
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose request it was, as far as the server notes it.
    pub by: Option<String>,
    /// The names of the attributes that were changed, in lower case.
    pub attributes: Vec<String>,
}

impl Dirsrv {
    /// Every request by somebody to change something, refused ones included, oldest first.
    pub fn sends_by(&self, dn: &str) -> Result<Vec<Send>> {
        Ok(sends(&self.log("access")?, dn))
    }

    /// The changes of an entry, oldest first; the server's own (counts of failures) among them.
    pub fn changes(&self, dn: &str) -> Result<Vec<Change>> {
        Ok(changes(&self.log("audit")?, dn))
    }

    /// The result codes of every sign-in that was tried as `dn`, oldest first.
    pub fn binds_of(&self, dn: &str) -> Result<Vec<i32>> {
        // The server answers a moment before it logs the result.
        wait::until_ok(
            "a result for each bind in the access log",
            Duration::from_secs(5),
            || bind_results(&self.log("access")?, dn),
        )
    }

    /// The end of the error log, where the server also says why it does not start; empty where it wrote none.
    pub(super) fn errors(&self) -> String {
        const LINES: usize = 30;
        let log = self.log("errors").unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }

    fn log(&self, name: &str) -> Result<String> {
        let file = self.path("log").join(name);
        let octets = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }
}

/// A line such as `[time] conn=1 op=2 MOD dn="..."`: connection, operation, the rest.
fn request(line: &str) -> Option<(&str, &str, &str)> {
    let rest = line.split_once("] conn=")?.1;
    let (connection, rest) = rest.split_once(' ')?;
    let (operation, rest) = rest.strip_prefix("op=")?.split_once(' ')?;
    Some((connection, operation, rest))
}

fn quoted<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split_once(&format!("{name}=\""))?
        .1
        .split_once('"')
        .map(|(value, _)| value)
}

fn result(text: &str) -> Option<i32> {
    text.strip_prefix("RESULT err=")?.split(' ').next()?.parse().ok()
}

fn sends(log: &str, dn: &str) -> Vec<Send> {
    let mut bound: HashMap<&str, String> = HashMap::new();
    let mut looked_for: HashMap<&str, String> = HashMap::new();
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut sends: Vec<Send> = Vec::new();
    for (connection, operation, text) in log.lines().filter_map(request) {
        if text.starts_with("BIND ") {
            bound.insert(connection, quoted(text, "dn").unwrap_or_default().to_lowercase());
            looked_for.remove(connection);
        } else if let Some((_, id)) = text.split_once("(nsUniqueId=") {
            looked_for.insert(connection, id.split(')').next().unwrap_or_default().to_owned());
        } else if let Some(code) = result(text) {
            if let Some(place) = places.get(&(connection, operation)) {
                sends[*place].result = Some(code);
            }
        } else if bound.get(connection) == Some(&dn.to_lowercase()) {
            let kind = text.split(' ').next().unwrap_or_default();
            let password = kind == "EXT" && text.contains("1.3.6.1.4.1.4203.1.11.1\"");
            if password || ["MOD", "ADD", "DEL", "MODRDN"].contains(&kind) {
                places.insert((connection, operation), sends.len());
                sends.push(Send {
                    kind: kind.to_owned(),
                    dn: quoted(text, "dn").map(str::to_owned),
                    looked_for: looked_for.get(connection).cloned(),
                    result: None,
                });
            }
        }
    }
    sends
}

fn changes(log: &str, dn: &str) -> Vec<Change> {
    let blocks = log.split("\n\n").filter(|block| {
        let named = |line: &str| {
            line.strip_prefix("dn: ")
                .is_some_and(|name| name.eq_ignore_ascii_case(dn))
        };
        block.lines().any(named) && block.lines().any(|line| line == "changetype: modify")
    });
    blocks
        .map(|block| {
            let names = block.lines().filter_map(|line| {
                let (kind, name) = line.split_once(": ")?;
                ["replace", "add", "delete"]
                    .contains(&kind)
                    .then(|| name.to_lowercase())
            });
            Change {
                by: block
                    .lines()
                    .find_map(|line| line.strip_prefix("modifiersname: "))
                    .map(str::to_owned),
                attributes: names.collect(),
            }
        })
        .collect()
}

fn bind_results(log: &str, dn: &str) -> Result<Vec<i32>> {
    let lines: Vec<_> = log.lines().filter_map(request).collect();
    let mut results = Vec::new();
    for (at, (connection, operation, text)) in lines.iter().enumerate() {
        if !text.starts_with("BIND ") || !quoted(text, "dn").is_some_and(|name| name.eq_ignore_ascii_case(dn)) {
            continue;
        }
        let answer = lines[at..]
            .iter()
            .filter(|(c, o, _)| c == connection && o == operation)
            .find_map(|(_, _, text)| result(text));
        results.push(answer.with_context(|| format!("no result after: {text}"))?);
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESS: &str = r#"
[22/Nov/2026:20:46:44.7 +0000] conn=1 fd=64 slot=64 connection from 127.0.0.1 to 127.0.0.1
[22/Nov/2026:20:46:44.7 +0000] conn=1 op=0 BIND dn="cn=Op,dc=x" method=128 version=3
[22/Nov/2026:20:46:44.7 +0000] conn=2 op=0 BIND dn="cn=op,dc=x" method=128 version=3
[22/Nov/2026:20:46:44.7 +0000] conn=2 op=0 RESULT err=49 tag=97 nentries=0
[22/Nov/2026:20:46:44.7 +0000] conn=1 op=0 RESULT err=0 tag=97 nentries=0 dn="cn=op,dc=x"
[22/Nov/2026:20:46:44.7 +0000] conn=1 op=1 SRCH base="dc=x" scope=2 filter="(&(objectClass=a)(nsUniqueId=1-2))" attrs="*"
[22/Nov/2026:20:46:44.7 +0000] conn=1 op=2 MOD dn="uid=a,dc=x"
[22/Nov/2026:20:46:44.7 +0000] conn=1 op=3 EXT oid="1.3.6.1.4.1.4203.1.11.1" name="passwd_modify_plugin"
[22/Nov/2026:20:46:44.7 +0000] conn=1 op=2 RESULT err=50 tag=103 nentries=0
"#;

    #[test]
    fn finds_who_sent_what_and_with_which_result() {
        let sends = sends(ACCESS, "CN=op,dc=x");
        let short: Vec<_> = sends
            .iter()
            .map(|send| {
                (
                    send.kind.as_str(),
                    send.dn.as_deref(),
                    send.looked_for.as_deref(),
                    send.result,
                )
            })
            .collect();
        assert_eq!(
            short,
            [
                ("MOD", Some("uid=a,dc=x"), Some("1-2"), Some(50)),
                ("EXT", None, Some("1-2"), None)
            ]
        );
        assert_eq!(bind_results(ACCESS, "cn=op,dc=x").expect("all have results"), [0, 49]);
    }

    #[test]
    fn finds_the_changes_of_an_entry() {
        let log = "time: 1\ndn: uid=a,dc=x\nresult: 0\nchangetype: modify\nreplace: userPassword\n-\n\
                   replace: modifiersname\nmodifiersname: cn=op\n-\n\ntime: 2\ndn: uid=b,dc=x\nchangetype: modify\n\n";
        let found = changes(log, "UID=a,dc=x");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].by.as_deref(), Some("cn=op"));
        assert_eq!(found[0].attributes, ["userpassword", "modifiersname"]);
    }
}
