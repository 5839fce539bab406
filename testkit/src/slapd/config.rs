//! slapd.conf(5): modules, overlays, access rules.

use std::path::Path;

use super::{Options, ROOT_DN, SUFFIX, policy_dn};
use crate::tls::{Authority, Identity};

/// Who may do what. The first rule that names an attribute decides, so the narrow ones stand first.
///
/// `manage` makes `cn=readmit` a password administrator (slapo-ppolicy(5)): quality, history and minimum age do not
/// bind it, and with pwdMustChange its resets set pwdReset. The lock and pwdReset are plain attributes to slapd.
pub const ACCESS: &str = r#"
access to attrs=userPassword
  by dn.exact="cn=readmit,ou=services,dc=example,dc=test" manage
  by dn.exact="cn=readmit-writer,ou=services,dc=example,dc=test" write
  by self =xw
  by anonymous auth
  by * none
access to attrs=pwdAccountLockedTime,pwdReset
  by dn.exact="cn=readmit,ou=services,dc=example,dc=test" write
  by dn.exact="cn=readmit-writer,ou=services,dc=example,dc=test" write
  by dn.exact="cn=readmit-reader,ou=services,dc=example,dc=test" read
  by * none
access to attrs=pwdFailureTime,pwdAccountTmpLockoutEnd,pwdChangedTime,pwdPolicySubentry,pwdStartTime,pwdEndTime,pwdLastSuccess,pwdGraceUseTime
  by dn.children="ou=services,dc=example,dc=test" read
  by * none
access to attrs=pwdHistory
  by * none
access to *
  by users read
  by anonymous auth
"#;

pub(super) fn text(options: &Options, dir: &Path, authority: &Authority, identity: &Identity, secret: &str) -> String {
    let hash_cleartext = if options.hash_cleartext {
        "ppolicy_hash_cleartext"
    } else {
        ""
    };
    let dir = dir.display();
    format!(
        r#"include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
moduleload accesslog
moduleload memberof
pidfile {dir}/slapd.pid
TLSCACertificateFile {ca}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}

access to dn.base="" by * read
access to dn.base="cn=Subschema" by * read

# What was really written, refused writes included.
database mdb
suffix cn=accesslog
directory {dir}/log
maxsize 1073741824
dbnosync
rootdn {ROOT_DN}
sizelimit unlimited
index reqAuthzID,reqDN,reqType eq
access to * by * none

database mdb
suffix {SUFFIX}
directory {dir}/data
maxsize 1073741824
dbnosync
rootdn {ROOT_DN}
rootpw {secret}
index objectClass,uid,mail,member,memberOf eq
index pwdAccountLockedTime eq,pres
{access}
{extra}
overlay memberof
overlay ppolicy
ppolicy_default {default_policy}
ppolicy_use_lockout
{hash_cleartext}
overlay accesslog
logdb cn=accesslog
logops writes
logsuccess FALSE
"#,
        ca = authority.file().display(),
        certificate = identity.certificate.display(),
        key = identity.key.display(),
        access = options.access.trim(),
        extra = options.extra.trim(),
        default_policy = policy_dn("default"),
    )
}
