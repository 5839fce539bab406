//! Who and what is in the directory at the start, and the settings: plain data.

use super::{OPERATOR_DN, Options, READER_DN, SUFFIX};
use crate::ldif;
use crate::slapd::seed::people;

/// What the operator needs below the suffix, as the documentation says it; and what a reader has.
pub const RIGHTS: &[&str] = &[
    r#"(targetattr != "userPassword || aci")(version 3.0; acl "readmit reads"; allow (read, search, compare) userdn = "ldap:///cn=readmit,ou=services,dc=example,dc=test || ldap:///cn=readmit-reader,ou=services,dc=example,dc=test";)"#,
    r#"(targetattr = "userPassword || passwordRetryCount || retryCountResetTime || accountUnlockTime || passwordExpirationTime")(version 3.0; acl "readmit writes"; allow (write) userdn = "ldap:///cn=readmit,ou=services,dc=example,dc=test";)"#,
    r#"(targetattr = "userPassword")(version 3.0; acl "own password"; allow (write) userdn = "ldap:///self";)"#,
];

/// What the operator needs of cn=config.
pub const CONFIG_RIGHTS: &[&str] = &[
    r#"(targetattr = "passwordLockout || passwordMaxFailure || passwordUnlock || passwordMustChange || passwordTrackUpdateTime || passwordIsGlobalPolicy || passwordAdminDN || nsslapd-pwpolicy-local")(version 3.0; acl "readmit reads"; allow (read, search, compare) userdn = "ldap:///cn=readmit,ou=services,dc=example,dc=test";)"#,
];

/// Settings of every server, set only after the identities are there: with passwordMustChange on, they would have to
/// change their passwords first.
const SETTINGS: &[(&str, &str)] = &[
    ("passwordLockout", "on"),
    ("passwordMaxFailure", "3"),
    ("passwordLockoutDuration", "3600"),
    ("passwordMustChange", "on"),
    ("passwordTrackUpdateTime", "on"),
    ("nsslapd-pwpolicy-local", "on"),
    ("nsslapd-allow-hashed-passwords", "off"),
    // Cheap to check, for the tests' sake.
    ("passwordStorageScheme", "SSHA512"),
];

/// All entries as LDIF, parents first.
pub(super) fn text(options: &Options, secret: &str) -> String {
    let mut text = format!(
        "dn: cn=userRoot,cn=ldbm database,cn=plugins,cn=config
objectClass: top
objectClass: extensibleObject
objectClass: nsBackendInstance
cn: userRoot
nsslapd-suffix: {SUFFIX}

dn: cn=\"{SUFFIX}\",cn=mapping tree,cn=config
objectClass: top
objectClass: extensibleObject
objectClass: nsMappingTree
cn: {SUFFIX}
nsslapd-state: backend
nsslapd-backend: userRoot

dn: {SUFFIX}
objectClass: domain
dc: example
"
    );
    for rule in &options.rights {
        text += &ldif::line("aci", rule);
    }
    for unit in ["people", "groups", "policies", "services"] {
        text += &format!("\ndn: ou={unit},{SUFFIX}\nobjectClass: organizationalUnit\nou: {unit}\n");
    }
    for dn in [OPERATOR_DN, READER_DN] {
        text += &format!(
            "\ndn: {dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\nuserPassword: {secret}\n"
        );
    }
    text + "\n" + &people(&options.users)
}

/// The change of cn=config that makes the server ready.
pub(super) fn settings(options: &Options) -> String {
    let mut text = "dn: cn=config\nchangetype: modify\n".to_owned();
    let further = options
        .config
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in SETTINGS.iter().copied().chain(further) {
        text += &format!("replace: {name}\n{}-\n", ldif::line(name, value));
    }
    for rule in &options.config_rights {
        text += &format!("add: aci\n{}-\n", ldif::line("aci", rule));
    }
    text
}
