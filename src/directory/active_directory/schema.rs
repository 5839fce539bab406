//! The names, numbers and object identifiers that Active Directory uses (MS-ADTS, MS-ADA1 to 3), and which attributes
//! are asked for.

/// The entry's immutable id, 16 octets.
pub const OBJECT_GUID: &str = "objectGUID";
/// The security identifier: whom access rules and groups mean.
pub const OBJECT_SID: &str = "objectSid";
/// The name of Windows sign-ins, unique in the domain.
pub const SAM_ACCOUNT_NAME: &str = "sAMAccountName";
/// The name of the form user@suffix, unique in the forest.
pub const USER_PRINCIPAL_NAME: &str = "userPrincipalName";
pub const MAIL: &str = "mail";
pub const DISPLAY_NAME: &str = "displayName";
/// Further addresses, each with its kind before it: `smtp:alice@example.com`.
pub const PROXY_ADDRESSES: &str = "proxyAddresses";
/// When the lock was set, as FILETIME; 0 or absent: never, or cleared. Not 0 does not mean locked.
pub const LOCKOUT_TIME: &str = "lockoutTime";
/// What the server makes of lockoutTime, pwdLastSet and the policy in effect, fine-grained ones included. Constructed:
/// it comes when asked for by name, and cannot stand in a filter.
pub const COMPUTED: &str = "msDS-User-Account-Control-Computed";
pub const USER_ACCOUNT_CONTROL: &str = "userAccountControl";
/// When the password was set, as FILETIME; 0: it must be changed at the next sign-in.
pub const PWD_LAST_SET: &str = "pwdLastSet";
/// The password; takes writes, is never read.
pub const UNICODE_PWD: &str = "unicodePwd";
/// The fine-grained password policy in effect. Constructed.
pub const RESULTANT_PSO: &str = "msDS-ResultantPSO";
/// Not 0: the entry is, or was, protected by AdminSDHolder.
pub const ADMIN_COUNT: &str = "adminCount";
pub const PRIMARY_GROUP_ID: &str = "primaryGroupID";
pub const MEMBER: &str = "member";
pub const MEMBER_OF: &str = "memberOf";
/// The SIDs of all security groups, transitively. Constructed, for searches with base scope only.
pub const TOKEN_GROUPS: &str = "tokenGroups";
/// Replication metadata as octets, see `metadata`.
pub const METADATA: &str = "replPropertyMetaData";
/// The same as text, one value an attribute. Constructed; Samba does not have it.
pub const METADATA_TEXT: &str = "msDS-ReplAttributeMetaData";
/// The lockout duration of the domain, and of a fine-grained policy.
pub const LOCKOUT_DURATION: &str = "lockoutDuration";
pub const PSO_LOCKOUT_DURATION: &str = "msDS-LockoutDuration";
/// On the domain: the NTDS settings of its PDC emulator.
pub const ROLE_OWNER: &str = "fSMORoleOwner";
pub const DNS_HOST_NAME: &str = "dNSHostName";

/// What is read of every account besides its profile.
pub const STATE: [&str; 19] = [
    OBJECT_GUID,
    OBJECT_SID,
    SAM_ACCOUNT_NAME,
    USER_PRINCIPAL_NAME,
    MAIL,
    PROXY_ADDRESSES,
    LOCKOUT_TIME,
    COMPUTED,
    USER_ACCOUNT_CONTROL,
    PWD_LAST_SET,
    RESULTANT_PSO,
    ADMIN_COUNT,
    PRIMARY_GROUP_ID,
    MEMBER_OF,
    TOKEN_GROUPS,
    METADATA,
    METADATA_TEXT,
    DISPLAY_NAME,
    "objectClass",
];

/// What is read of an account in a list. Searches below a base give neither tokenGroups nor, usefully, metadata.
pub const LISTED: [&str; 11] = [
    OBJECT_GUID,
    OBJECT_SID,
    SAM_ACCOUNT_NAME,
    USER_PRINCIPAL_NAME,
    MAIL,
    PROXY_ADDRESSES,
    LOCKOUT_TIME,
    COMPUTED,
    USER_ACCOUNT_CONTROL,
    PWD_LAST_SET,
    ADMIN_COUNT,
];

/// Bits of [`USER_ACCOUNT_CONTROL`] and [`COMPUTED`] (MS-ADTS 2.2.16, MS-SAMR 2.2.1.12).
pub mod flag {
    pub const DISABLED: i64 = 0x2;
    /// In [`super::COMPUTED`] alone.
    pub const LOCKED: i64 = 0x10;
    pub const NEVER_EXPIRES: i64 = 0x1_0000;
    pub const SMARTCARD: i64 = 0x4_0000;
}

/// Controls, matching rules and capabilities.
pub mod oid {
    /// LDAP_SERVER_DOMAIN_SCOPE: no referrals to other parts of the forest.
    pub const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
    /// LDAP_MATCHING_RULE_TRANSITIVE_EVAL: membership through groups in groups.
    pub const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";
    /// The server is a domain controller.
    pub const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";
    /// It is a read-only one.
    pub const READ_ONLY: &str = "1.2.840.113556.1.4.1920";
}
