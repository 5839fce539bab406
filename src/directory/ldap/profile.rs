//! What policies may see of an entry below `account.profile`: its user attributes, names as the server spells them, one
//! value as a string and several as a list. Passwords, keys and binary values are never even asked for.
//!
//! LDAP does not tell which attributes access rules hide: those are absent, not listed as unreadable.

use crate::directory::ldap::Entry;
use serde_json::{Map, Value};

/// At most so many attributes are read; the rest is listed as unreadable.
const MAX_ATTRIBUTES: usize = 200;
/// At most so many values of one attribute.
const MAX_VALUES: usize = 256;
/// At most so many octets in all values of one attribute.
const MAX_OCTETS: usize = 16 * 1024;

/// Parts of names that mark a secret, whatever the schema.
const SECRET: [&str; 11] = [
    "password",
    "passwd",
    "secret",
    "privatekey",
    "principalkey",
    "pkcs12",
    "krbextradata",
    "token",
    "credential",
    "unicodepwd",
    "admpwd",
];
/// Attributes whose values are not text, or large (RFC 4523, RFC 2798, Active Directory's schema).
const BINARY: [&str; 12] = [
    "jpegphoto",
    "photo",
    "audio",
    "usercertificate",
    "cacertificate",
    "usersmimecertificate",
    "certificaterevocationlist",
    "authorityrevocationlist",
    "crosscertificatepair",
    "personalsignature",
    "thumbnailphoto",
    "thumbnaillogo",
];

/// Splits the names that an entry has into those to ask for and those that policies cannot see.
pub fn select<'a>(names: impl Iterator<Item = &'a str>) -> (Vec<&'a str>, Vec<String>) {
    let mut wanted = Vec::new();
    let mut unreadable = Vec::new();
    for name in names {
        if wanted.len() < MAX_ATTRIBUTES && !is_withheld(name) {
            wanted.push(name);
        } else {
            unreadable.push(name.to_owned());
        }
    }
    (wanted, unreadable)
}

fn is_withheld(name: &str) -> bool {
    let folded = name.to_ascii_lowercase();
    let (base, options) = folded.split_once(';').unwrap_or((&folded, ""));
    SECRET.iter().any(|part| base.contains(part)) || BINARY.contains(&base) || options.split(';').any(|o| o == "binary")
}

/// The profile of the attributes asked for. Those that turn out binary or too large join the unreadable ones.
pub fn profile(entry: &Entry, wanted: &[&str], unreadable: &mut Vec<String>) -> Map<String, Value> {
    let mut profile = Map::new();
    for attribute in entry.attributes() {
        if !wanted.iter().any(|name| name.eq_ignore_ascii_case(&attribute.name)) {
            continue;
        }
        let octets: usize = attribute.values.iter().map(String::len).sum();
        if attribute.binary || attribute.values.len() > MAX_VALUES || octets > MAX_OCTETS {
            unreadable.push(attribute.name.clone());
            continue;
        }
        let value = match attribute.values.as_slice() {
            [] => continue,
            [one] => Value::from(one.as_str()),
            several => Value::from(several),
        };
        profile.insert(attribute.name.clone(), value);
    }
    profile
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_not_asked_for() {
        let names = [
            "uid",
            "userPassword",
            "cn;lang-de",
            "sambaNTPassword",
            "sambaPwdLastSet",
            "krbPrincipalKey",
            "oathSecret",
            "jpegPhoto",
            "userCertificate;binary",
            "custom;binary",
        ];
        let (wanted, unreadable) = select(names.into_iter());
        assert_eq!(wanted, ["uid", "cn;lang-de", "sambaPwdLastSet"]);
        assert_eq!(unreadable.len(), names.len() - wanted.len());
    }

    #[test]
    fn the_profile_is_bounded() {
        let long = "x".repeat(MAX_OCTETS + 1);
        let entry = Entry::of(
            "uid=a",
            &[
                ("uid", &["a"]),
                ("mail", &["a@x", "b@x"]),
                ("description", &[&long]),
                ("pwdReset", &["TRUE"]),
            ],
        );
        let mut unreadable = Vec::new();
        let profile = profile(&entry, &["uid", "mail", "description"], &mut unreadable);
        assert_eq!(Value::from(profile), json!({"uid": "a", "mail": ["a@x", "b@x"]}));
        assert_eq!(unreadable, ["description"]);
    }

    #[test]
    fn too_many_attributes_are_cut() {
        let names: Vec<String> = (0..MAX_ATTRIBUTES + 5).map(|n| format!("a{n}")).collect();
        let (wanted, unreadable) = select(names.iter().map(String::as_str));
        assert_eq!((wanted.len(), unreadable.len()), (MAX_ATTRIBUTES, 5));
    }
}
