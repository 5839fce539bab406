//! Replication metadata: how often, and when, the password was set. Read from one server, the version of unicodePwd grows
//! by one with each set password and with nothing else, whoever set it.

use super::schema::{METADATA, METADATA_TEXT, UNICODE_PWD};
use crate::directory::ldap::Entry;
use jiff::Timestamp;

/// The number of unicodePwd in replication metadata: its ATTRTYP (MS-DRSR 5.16.4), from 1.2.840.113556.1.4.90.
const UNICODE_PWD_TYPE: u32 = 589_914;
/// The times in metadata are seconds since 1601.
const SECONDS_BEFORE_1970: i64 = 11_644_473_600;

/// What metadata tells about the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordVersion {
    /// How often it was set.
    pub version: u32,
    /// When it was last set; `None` where it never was.
    pub changed: Option<Timestamp>,
}

/// What the entry's metadata tells; `None` where it cannot be read.
pub fn password_version(entry: &Entry) -> Option<PasswordVersion> {
    if entry.has(METADATA_TEXT) {
        return from_text(entry.all(METADATA_TEXT));
    }
    from_octets(entry.octets(METADATA).next()?)
}

const NEVER: PasswordVersion = PasswordVersion {
    version: 0,
    changed: None,
};

/// `DS_REPL_ATTR_META_DATA` elements (the XML form of msDS-ReplAttributeMetaData, MS-ADTS), one a value.
fn from_text(values: &[String]) -> Option<PasswordVersion> {
    let of_password =
        |value: &&String| inner(value, "pszAttributeName").is_some_and(|name| name.eq_ignore_ascii_case(UNICODE_PWD));
    let read = |value: &String| {
        Some(PasswordVersion {
            version: inner(value, "dwVersion")?.parse().ok()?,
            changed: inner(value, "ftimeLastOriginatingChange").and_then(|time| time.parse().ok()),
        })
    };
    values.iter().find(of_password).map_or(Some(NEVER), read)
}

fn inner<'a>(value: &'a str, element: &str) -> Option<&'a str> {
    let (_, rest) = value.split_once(&format!("<{element}>"))?;
    rest.split_once(&format!("</{element}>")).map(|(text, _)| text.trim())
}

/// Version 1 of the blob: version, 4 unused octets, count, 4 unused octets; then for each attribute its type, version,
/// time, the originating server (16 octets) and two counters (8 octets each). All numbers have the low octet first.
fn from_octets(octets: &[u8]) -> Option<PasswordVersion> {
    let (head, rest) = octets.split_at_checked(16)?;
    let count = usize::try_from(number(head, 8)?).ok()?;
    if number(head, 0)? != 1 || rest.len() < count.checked_mul(48)? {
        return None;
    }
    let Some(entry) = rest
        .chunks_exact(48)
        .take(count)
        .find(|entry| number(entry, 0) == Some(UNICODE_PWD_TYPE))
    else {
        return Some(NEVER);
    };
    let time = entry.get(8..16)?.try_into().ok().map(i64::from_le_bytes)?;
    Some(PasswordVersion {
        version: number(entry, 4)?,
        changed: time
            .checked_sub(SECONDS_BEFORE_1970)
            .and_then(|seconds| Timestamp::from_second(seconds).ok()),
    })
}

fn number(octets: &[u8], at: usize) -> Option<u32> {
    let part = octets.get(at..at.checked_add(4)?)?;
    part.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(version: u32, attributes: &[(u32, u32, i64)]) -> Vec<u8> {
        let mut octets = Vec::new();
        for number in [version, 0, u32::try_from(attributes.len()).unwrap(), 0] {
            octets.extend(number.to_le_bytes());
        }
        for (kind, version, time) in attributes {
            octets.extend(kind.to_le_bytes());
            octets.extend(version.to_le_bytes());
            octets.extend(time.to_le_bytes());
            octets.extend([7; 32]);
        }
        octets
    }

    #[test]
    fn the_blob_tells_version_and_time() {
        let seconds = 1_700_000_000 + SECONDS_BEFORE_1970;
        let set = PasswordVersion {
            version: 3,
            changed: Some(Timestamp::from_second(1_700_000_000).unwrap()),
        };
        let usual = blob(1, &[(3, 9, 1), (UNICODE_PWD_TYPE, 3, seconds)]);
        for (octets, expected) in [
            (usual.clone(), Some(set)),
            (blob(1, &[(3, 9, 1)]), Some(NEVER)),
            (blob(1, &[]), Some(NEVER)),
            (blob(2, &[(UNICODE_PWD_TYPE, 3, seconds)]), None),
            (usual[..usual.len() - 1].to_vec(), None),
            (usual[..10].to_vec(), None),
        ] {
            let entry = Entry::of("cn=a", &[]).with_octets(METADATA, &[&octets]);
            assert_eq!(password_version(&entry), expected);
        }
        assert_eq!(password_version(&Entry::of("cn=a", &[])), None);
    }

    #[test]
    fn the_text_tells_the_same() {
        let value = |name: &str| {
            format!(
                "<DS_REPL_ATTR_META_DATA>\n\t<pszAttributeName>{name}</pszAttributeName>\n\t<dwVersion>4</dwVersion>\n\t\
                 <ftimeLastOriginatingChange>2026-03-01T09:30:05Z</ftimeLastOriginatingChange>\n</DS_REPL_ATTR_META_DATA>\n"
            )
        };
        let (password, other) = (value("unicodePwd"), value("lockoutTime"));
        let entry = Entry::of("cn=a", &[(METADATA_TEXT, &[&other, &password])]);
        let expected = PasswordVersion {
            version: 4,
            changed: "2026-03-01T09:30:05Z".parse().ok(),
        };
        assert_eq!(password_version(&entry), Some(expected));
        assert_eq!(
            password_version(&Entry::of("cn=a", &[(METADATA_TEXT, &[&other])])),
            Some(NEVER)
        );
    }
}
