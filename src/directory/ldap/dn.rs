//! Distinguished names (RFC 4514), compared. The product never builds a name out of parts: it acts on names that the
//! server gave.
//!
//! The comparison folds case and runs of spaces in every value, as caseIgnoreMatch does. For attributes with exact
//! matching it finds more equal than the server would, which is the safe side for protection.

/// A name in a form in which equal names are equal texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dn(Vec<String>);

impl Dn {
    /// Reads the text form; `None` where it is none.
    pub fn parse(text: &str) -> Option<Dn> {
        if text.trim().is_empty() {
            return Some(Dn(Vec::new()));
        }
        split(text, &[',', ';'])?
            .iter()
            .map(|rdn| relative(rdn))
            .collect::<Option<Vec<_>>>()
            .map(Dn)
    }

    /// Whether it is this name or lies below it.
    pub fn is_within(&self, ancestor: &Dn) -> bool {
        self.0.ends_with(&ancestor.0)
    }

    /// How many relative names it has.
    pub fn depth(&self) -> usize {
        self.0.len()
    }
}

/// Whether two texts are the same name. Texts that are no names are the same as nothing.
pub fn same(one: &str, other: &str) -> bool {
    matches!((Dn::parse(one), Dn::parse(other)), (Some(one), Some(other)) if one == other)
}

/// A relative name: its attribute and value pairs in a fixed order.
fn relative(text: &str) -> Option<String> {
    let mut pairs = split(text, &['+'])?
        .iter()
        .map(|pair| {
            let (attribute, value) = pair.split_once('=')?;
            let attribute = attribute.trim();
            (!attribute.is_empty()).then(|| format!("{}={}", attribute.to_lowercase(), fold(value)))
        })
        .collect::<Option<Vec<_>>>()?;
    pairs.sort();
    Some(pairs.join("\n+"))
}

/// Splits at separators that are neither escaped nor quoted.
fn split<'a>(text: &'a str, separators: &[char]) -> Option<Vec<&'a str>> {
    let mut parts = Vec::new();
    let (mut start, mut escaped, mut quoted) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if !quoted && separators.contains(&c) => {
                parts.push(text.get(start..at)?);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    if escaped || quoted {
        return None;
    }
    parts.push(text.get(start..)?);
    Some(parts)
}

/// The value with its escapes resolved, case and spaces folded.
fn fold(value: &str) -> String {
    let trimmed = value.trim();
    let unquoted = trimmed
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(trimmed);
    let mut octets = Vec::with_capacity(unquoted.len());
    let mut rest = unquoted.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'\\' {
            octets.push(first);
            continue;
        }
        if let Some((octet, tail)) = hex_pair(rest) {
            octets.push(octet);
            rest = tail;
        } else if let Some((&next, tail)) = rest.split_first() {
            octets.push(next);
            rest = tail;
        }
    }
    let text = String::from_utf8_lossy(&octets).to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn hex_pair(octets: &[u8]) -> Option<(u8, &[u8])> {
    let (pair, rest) = octets.split_at_checked(2)?;
    let text = std::str::from_utf8(pair).ok()?;
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    Some((u8::from_str_radix(text, 16).ok().filter(|_| hex)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_found_equal() {
        for (one, other, equal) in [
            ("cn=Admin,dc=example,dc=com", "CN=admin, DC=Example , dc=com", true),
            ("cn=a\\2cb,dc=x", "cn=a\\,b,dc=x", true),
            ("cn=a\\,b,dc=x", "cn=\"a,b\",dc=x", true),
            ("cn=a  b,dc=x", "cn=a b,dc=x", true),
            ("cn=x+sn=y,dc=z", "sn=Y+cn=X,dc=z", true),
            ("cn=\\c3\\a9,dc=x", "cn=É,dc=x", true),
            ("cn=a,dc=x", "cn=b,dc=x", false),
            ("cn=a,b=c,dc=x", "cn=a\\,b=c,dc=x", false),
            ("cn=a+sn=b,dc=x", "cn=a\\+sn=b,dc=x", false),
            ("nonsense", "nonsense", false),
            ("cn=a\\", "cn=a\\", false),
        ] {
            assert_eq!(same(one, other), equal, "{one} and {other}");
        }
    }

    #[test]
    fn within_means_at_or_below() {
        let suffix = Dn::parse("dc=example,dc=com").unwrap();
        for (name, within) in [
            ("ou=people,DC=example,dc=com", true),
            ("dc=example,dc=com", true),
            ("dc=com", false),
            ("ou=people,dc=other,dc=com", false),
            ("dc=notexample,dc=com", false),
        ] {
            assert_eq!(Dn::parse(name).unwrap().is_within(&suffix), within, "{name}");
        }
    }
}
