//! Password policies of a person's own, which inherit nothing of lock and change from the global one.

use crate::lab::{shared, state};
use testkit::slapd::user_dn;

const AHEAD: &str = "20991231000000Z";

#[test]
fn a_policy_of_ones_own_decides() {
    let Some(lab) = shared() else { return };
    for (uid, settings, count, expected) in [
        ("own-5", "passwordLockout: on\npasswordMaxFailure: 5", "4", "not locked"),
        ("own-2", "passwordLockout: on\npasswordMaxFailure: 2", "2", "until"),
        // What it does not say is not the global policy's but the server's default.
        ("own-default", "passwordMinLength: 9", "9", "not locked"),
        ("own-three", "passwordLockout: on", "3", "until"),
        ("own-off", "passwordLockout: off", "9", "not locked"),
    ] {
        lab.person(uid);
        lab.server.set_policy(uid, settings).unwrap();
        lab.server.set(uid, "passwordRetryCount", &[count]).unwrap();
        lab.server.set(uid, "accountUnlockTime", &[AHEAD]).unwrap();
        assert_eq!(state(&lab.account(uid).lock), expected, "{uid}");
        assert_eq!(lab.signs_in(uid), expected == "not locked", "{uid}");
    }
}

#[test]
fn a_policy_that_cannot_be_read_makes_the_state_unknown() {
    let Some(lab) = shared() else { return };
    lab.locked("own-hidden");
    let dn = "cn=none,ou=policies,dc=example,dc=test";
    lab.server.set("own-hidden", "pwdpolicysubentry", &[dn]).unwrap();
    assert_eq!(state(&lab.account("own-hidden").lock), "unknown");
    let hide = "(targetattr = \"passwordLockout\")(version 3.0; acl \"hide\"; deny (read, search, compare) \
                userdn = \"ldap:///cn=readmit,ou=services,dc=example,dc=test\";)";
    lab.locked("own-partly");
    lab.server.set_policy("own-partly", "passwordMinLength: 9").unwrap();
    assert_eq!(state(&lab.account("own-partly").lock), "not locked");
    let policy = "cn=own-partly,ou=policies,dc=example,dc=test";
    lab.server
        .modify(&format!("dn: {policy}\nchangetype: modify\nadd: aci\naci: {hide}\n"))
        .unwrap();
    assert_eq!(state(&lab.account("own-partly").lock), "unknown");
}

#[test]
fn policies_of_ones_own_count_only_where_they_are_switched_on() {
    let options = testkit::dirsrv::Options {
        config: vec![("nsslapd-pwpolicy-local".into(), "off".into())],
        ..Default::default()
    };
    let Some(lab) = crate::lab::Lab::with(&options, |_| {}) else {
        return;
    };
    lab.server.set_policy("alice", "passwordLockout: off").unwrap();
    lab.server.lock("alice").unwrap();
    assert_eq!(state(&lab.account("alice").lock), "until");
    assert_eq!(lab.server.bind(&user_dn("alice"), "wrong").unwrap().code, 19);
}
