//! The OpenLDAP server itself: it really locks, and it tells what was done to it.

use testkit::skip;
use testkit::slapd::{
    OPERATOR_DN, Options, Policy, READER_DN, Slapd, WRITER_DN, initial_password, user_dn, usual_users,
};

fn start(options: Options) -> Option<Slapd> {
    skip::unless_missing(Slapd::start(options))
}

fn unlock(uid: &str) -> String {
    format!(
        "dn: {}\nchangetype: modify\ndelete: pwdAccountLockedTime\n",
        user_dn(uid)
    )
}

#[test]
fn wrong_passwords_lock_and_a_modify_unlocks() {
    let Some(slapd) = start(Options::default()) else { return };
    let dana = user_dn("dana");
    assert_eq!(slapd.bind(&dana, &initial_password("dana")).expect("an answer").code, 0);
    assert_eq!(slapd.attribute(&dana, "pwdAccountLockedTime").expect("an answer"), None);

    slapd.lock("dana").expect("three wrong passwords");
    let refused = slapd.bind(&dana, &initial_password("dana")).expect("an answer");
    assert_eq!(
        (refused.code, refused.control.as_deref()),
        (49, Some("Account locked")),
        "{refused:?}"
    );
    assert!(
        slapd
            .attribute(&dana, "pwdAccountLockedTime")
            .expect("an answer")
            .is_some()
    );

    let denied = slapd
        .modify_as(READER_DN, slapd.secret(), &[], &unlock("dana"))
        .expect_err("it may only read");
    assert!(denied.to_string().contains("Insufficient access (50)"), "{denied}");
    slapd
        .modify_as(OPERATOR_DN, slapd.secret(), &[], &unlock("dana"))
        .expect("it may unlock");
    assert_eq!(slapd.bind(&dana, &initial_password("dana")).expect("an answer").code, 0);

    let writes = slapd.writes_by(OPERATOR_DN).expect("a log");
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!(
        (writes[0].kind.as_str(), writes[0].dn.as_str(), writes[0].result),
        ("modify", dana.as_str(), 0)
    );
    assert!(
        writes[0]
            .changes
            .iter()
            .any(|change| change.starts_with("pwdAccountLockedTime:-")),
        "{writes:?}"
    );
    assert_eq!(
        slapd.writes_by(READER_DN).expect("a log")[0].result,
        50,
        "refused writes are logged too"
    );
    assert_eq!(slapd.binds_of(&dana).expect("a log"), [0, 49, 49, 49, 49, 0]);
}

fn set_password(uid: &str, value: &str) -> String {
    format!(
        "dn: {}\nchangetype: modify\nreplace: userPassword\nuserPassword: {value}\n",
        user_dn(uid)
    )
}

#[test]
fn only_an_administrators_reset_asks_for_a_change_and_skips_quality() {
    let Some(slapd) = start(Options::default()) else { return };
    let set = |dn: &str, uid: &str, value: &str| slapd.modify_as(dn, slapd.secret(), &[], &set_password(uid, value));
    set(OPERATOR_DN, "erik", "Fresh-Start-22").expect("it may reset");
    let must_change = slapd.bind(&user_dn("erik"), "Fresh-Start-22").expect("an answer");
    assert_eq!(must_change.code, 0, "{must_change:?}");
    assert!(
        must_change
            .control
            .as_deref()
            .is_some_and(|c| c.contains("must be changed")),
        "{must_change:?}"
    );

    set(WRITER_DN, "fay", "Fresh-Start-23").expect("it may write");
    assert_eq!(slapd.attribute(&user_dn("fay"), "pwdReset").expect("an answer"), None);
    slapd.set_policy("fay", "long").expect("set");
    let refused = set(WRITER_DN, "fay", "short-1")
        .expect_err("too short for a user")
        .to_string();
    assert!(refused.contains("Constraint violation (19)"), "{refused}");
    set(OPERATOR_DN, "fay", "short-1").expect("an administrator may");

    let stored = slapd
        .search("ou=people,dc=example,dc=test", "(uid=fay)", &["userPassword"])
        .expect("an answer");
    assert!(
        stored[0].first("userPassword").is_some_and(|v| v.starts_with("{SSHA}")),
        "{stored:?}"
    );
}

#[test]
fn the_password_operation_is_logged_like_a_modify() {
    let Some(slapd) = start(Options::default()) else { return };
    let mut reset = slapd.tool("ldappasswd", OPERATOR_DN, slapd.secret());
    let done = reset
        .args(["-s", "By-Operation-1", &user_dn("ivan")])
        .output()
        .expect("ldappasswd runs");
    assert!(done.status.success(), "{done:?}");
    assert_eq!(
        slapd.bind(&user_dn("ivan"), "By-Operation-1").expect("an answer").code,
        0
    );
    let writes = slapd.writes_by(OPERATOR_DN).expect("a log");
    assert_eq!(writes.len(), 1, "{writes:?}");
    for change in ["userPassword:= {SSHA}", "pwdReset:= TRUE", "pwdChangedTime:= "] {
        assert!(
            writes[0].changes.iter().any(|c| c.starts_with(change)),
            "{change} in {writes:?}"
        );
    }
}

#[test]
fn an_outage_keeps_data_and_address() {
    let options = Options {
        default_policy: Policy::usual().with("pwdMaxFailure", "1"),
        ..Options::default()
    };
    let Some(slapd) = start(options) else { return };
    slapd.lock("gus").expect("one wrong password is enough");
    assert_eq!(slapd.binds_of(&user_dn("gus")).expect("a log"), [49]);
    let url = slapd.url();
    slapd.stop().expect("it ends");
    slapd.bind(&user_dn("gus"), "x").expect_err("nobody answers");
    slapd.start_again().expect("it comes back");
    assert_eq!(slapd.url(), url);
    assert!(
        slapd
            .attribute(&user_dn("gus"), "pwdAccountLockedTime")
            .expect("an answer")
            .is_some()
    );
}

#[test]
fn everybody_is_there_and_groups_nest() {
    let Some(slapd) = start(Options::default()) else { return };
    let people = slapd
        .search("ou=people,dc=example,dc=test", "(objectClass=inetOrgPerson)", &["uid"])
        .expect("found");
    let mut found: Vec<&str> = people.iter().filter_map(|entry| entry.first("uid")).collect();
    let users = usual_users();
    let mut expected: Vec<&str> = users.iter().map(|user| user.uid.as_str()).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    for user in &users {
        let bind = slapd
            .bind(&user_dn(&user.uid), &initial_password(&user.uid))
            .expect("an answer");
        assert_eq!(bind.code, 0, "{}: {}", user.uid, bind.text);
    }
    let groups = slapd
        .attribute("cn=platform,ou=groups,dc=example,dc=test", "memberOf")
        .expect("an answer");
    assert_eq!(groups.as_deref(), Some("cn=admins,ou=groups,dc=example,dc=test"));
}

#[test]
fn the_tls_port_shows_a_certificate_of_the_test_authority() {
    let Some(slapd) = start(Options::default()) else { return };
    let whoami = |ca: Option<&std::path::Path>| {
        let mut command = std::process::Command::new("ldapwhoami");
        command
            .args(["-x", "-H", &slapd.tls_url()])
            .env("LDAPNOINIT", "1")
            .env_remove("LDAPTLS_CACERT");
        if let Some(ca) = ca {
            command.env_remove("LDAPNOINIT").env("LDAPTLS_CACERT", ca);
        }
        command.output().expect("ldapwhoami runs")
    };
    let trusted = whoami(Some(slapd.ca_file()));
    assert_eq!(
        String::from_utf8_lossy(&trusted.stdout).trim(),
        "anonymous",
        "{trusted:?}"
    );
    assert!(!whoami(None).status.success(), "nobody else trusts it");
}
