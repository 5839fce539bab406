//! Just enough of LDIF (RFC 2849) and of DN strings (RFC 4514) to write seeds and to read answers.

use anyhow::{Context, Result};

/// One entry of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub dn: String,
    attributes: Vec<(String, String)>,
}

impl Entry {
    /// The values of an attribute, in the server's order; names are compared without case.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let matching = self
            .attributes
            .iter()
            .filter(|(attribute, _)| attribute.eq_ignore_ascii_case(name));
        matching.map(|(_, value)| value.as_str()).collect()
    }

    pub fn first(&self, name: &str) -> Option<&str> {
        self.values(name).into_iter().next()
    }
}

/// Parses unfolded LDIF, as `ldapsearch -LLL -o ldif-wrap=no` prints it.
pub(crate) fn parse(text: &str) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, rest) = line
            .split_once(':')
            .with_context(|| format!("not a line of LDIF: {line}"))?;
        let value = match rest.strip_prefix(':') {
            Some(encoded) => {
                let bytes = data_encoding::BASE64.decode(encoded.trim().as_bytes());
                String::from_utf8_lossy(&bytes.with_context(|| format!("not base64: {line}"))?).into_owned()
            }
            None => rest.trim_start().to_owned(),
        };
        match (name, entries.last_mut()) {
            ("dn", _) => entries.push(Entry {
                dn: value,
                attributes: Vec::new(),
            }),
            (_, Some(entry)) => entry.attributes.push((name.to_owned(), value)),
            // A search reference has no dn line; the server has none, so this would be a surprise worth an error.
            (_, None) => anyhow::bail!("an attribute outside an entry: {line}"),
        }
    }
    Ok(entries)
}

/// One line, encoded where the value is not a SAFE-STRING.
pub(crate) fn line(name: &str, value: &str) -> String {
    let first_is_safe = !value.starts_with([' ', ':', '<']);
    let safe = first_is_safe && !value.ends_with(' ') && value.bytes().all(|b| (0x20..0x7f).contains(&b));
    if safe {
        format!("{name}: {value}\n")
    } else {
        format!("{name}:: {}\n", data_encoding::BASE64.encode(value.as_bytes()))
    }
}

/// Escapes a value for use in a DN (RFC 4514, 2.4).
pub(crate) fn escape_dn_value(value: &str) -> String {
    let mut escaped = String::new();
    for (at, c) in value.chars().enumerate() {
        let leading = at == 0 && matches!(c, ' ' | '#');
        if leading || matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_plain_and_encoded_values() {
        let text = "dn: uid=a,dc=x\nuid: a\ncn:: SsO2cmc=\nMAIL: a@x\nmail: b@x\n\ndn:: dWlkPcO2\nuid:: w7Y=\n";
        let entries = parse(text).expect("it is LDIF");
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].first("CN"), Some("Jörg"));
        assert_eq!(entries[0].values("mail"), ["a@x", "b@x"]);
        assert_eq!(entries[1].dn, "uid=ö");
        assert_eq!(entries[1].first("none"), None);
    }

    #[test]
    fn writes_what_it_reads() {
        for value in ["plain", " leading", "Jörg", ":colon", "trailing ", "{SSHA}x=="] {
            let entries = parse(&format!("dn: x\n{}", line("v", value))).expect("it is LDIF");
            assert_eq!(entries[0].first("v"), Some(value));
        }
    }

    #[test]
    fn escapes_names() {
        assert_eq!(escape_dn_value("Smith, Joe"), "Smith\\, Joe");
        assert_eq!(escape_dn_value("#1 a+b"), "\\#1 a\\+b");
    }
}
