//! Finding accounts, and what is told about them: identity, profile, groups, protection.

use crate::lab::{Lab, call, connect, email, id, login, shared, spec};
use readmit::{
    directory::{Directory, Target},
    domain::account::{Protection, ReadFailure},
};
use testkit::{
    dirsrv::{OPERATOR_DN, Options, SUFFIX},
    slapd::{group_dn, user_dn},
};

#[test]
fn an_account_is_found_in_three_ways() {
    let Some(lab) = shared() else { return };
    let by_login = lab.account("dana");
    assert_eq!(by_login.id, lab.target("dana").id);
    assert_eq!(by_login.login.as_deref(), Some("dana"));
    assert_eq!(by_login.email.as_deref(), Some("dana@example.com"));
    assert_eq!(by_login.disabled, Some(false));
    for key in [login("DANA"), email("dana@example.com"), id(&by_login.id)] {
        assert_eq!(lab.find(&key).as_ref(), Ok(&by_login), "{key:?}");
    }
    let read = lab.wait(lab.directory.read(&call(), &lab.target("dana")));
    assert_eq!(read, Ok(by_login));
}

#[test]
fn names_are_values_and_never_syntax() {
    let Some(lab) = shared() else { return };
    for uid in ["star*", "paren(s)", "o'hara, jo"] {
        assert_eq!(lab.account(uid).login.as_deref(), Some(uid));
    }
    let long = "x".repeat(100_000);
    for name in [
        "*",
        "dan*",
        "dana)(uid=*",
        "*)(objectClass=*",
        "\\2a",
        "\u{0}",
        "nobody",
        "",
        &long,
    ] {
        for key in [login(name), email(name), id(name)] {
            assert_eq!(lab.find(&key), Err(ReadFailure::NotFound), "{name:?}");
        }
    }
    // Outside the base and not of the class.
    assert_eq!(lab.find(&login("readmit")), Err(ReadFailure::NotFound));
    let gone = Target {
        id: "00000000-00000000-00000000-00000000".into(),
        server: None,
    };
    assert_eq!(lab.wait(lab.directory.read(&call(), &gone)), Err(ReadFailure::NotFound));
    assert_eq!(lab.wait(lab.directory.unlock(&call(), &gone)).as_str(), "Refused");
    assert_eq!(lab.find(&email("twins@example.com")), Err(ReadFailure::Ambiguous));
}

#[test]
fn the_profile_holds_what_may_be_read_and_no_secret() {
    let Some(lab) = shared() else { return };
    let account = lab.account("dana");
    assert_eq!(account.profile["employeeType"], "staff");
    assert_eq!(account.profile["cn"], "Dana Doyle");
    let keys: Vec<String> = account.profile.keys().map(|name| name.to_lowercase()).collect();
    assert!(
        !keys
            .iter()
            .any(|name| name.contains("password") || name.contains("unlock")),
        "{keys:?}"
    );
    assert!(!format!("{account:?}").contains("{SSHA"));
}

#[test]
fn groups_are_transitive() {
    let Some(lab) = shared() else { return };
    let unique = format!(
        "dn: cn=one,ou=groups,{SUFFIX}\nobjectClass: groupOfUniqueNames\ncn: one\nuniqueMember: {}\n\
         uniqueMember: cn=two,ou=groups,{SUFFIX}\n\n\
         dn: cn=two,ou=groups,{SUFFIX}\nobjectClass: groupOfNames\ncn: two\nmember: cn=one,ou=groups,{SUFFIX}\n",
        user_dn("gus")
    );
    lab.server.add(&unique).unwrap();
    for (uid, expected) in [
        ("nested", vec![group_dn("admins"), group_dn("platform")]),
        ("root1", vec![group_dn("admins")]),
        ("dana", vec![group_dn("staff")]),
        ("gus", vec![group_dn("one"), group_dn("two")]),
        ("hana", vec![]),
    ] {
        let mut groups = lab.account(uid).groups.unwrap();
        groups.sort();
        assert_eq!(groups, expected, "{uid}");
    }
}

fn is_protected(protection: &Protection) -> &'static str {
    match protection {
        Protection::None => "no",
        Protection::Protected(_) => "yes",
        Protection::Unknown(_) => "unknown",
    }
}

#[test]
fn administrators_are_protected_also_through_nested_groups() {
    let Some(lab) = shared() else { return };
    let empty = format!("cn=empty,ou=groups,{SUFFIX}");
    lab.server
        .add(&format!("dn: {empty}\nobjectClass: groupOfNames\ncn: empty\n"))
        .unwrap();
    let listed = lab.seen(|spec| {
        // A group without members, which this server's schema allows, is no hidden one.
        spec.administrators = vec![empty, "CN=Admins,ou=groups, dc=example,dc=test".into(), user_dn("xena")];
    });
    for (uid, expected) in [("root1", "yes"), ("nested", "yes"), ("xena", "yes"), ("dana", "no")] {
        let account = lab.wait(listed.find(&call(), &login(uid))).unwrap();
        assert_eq!(is_protected(&account.protection), expected, "{uid}");
    }
    lab.wait(listed.probe(&call())).unwrap();
}

#[test]
fn an_administrator_that_cannot_be_looked_up_protects_everybody() {
    let Some(lab) = shared() else { return };
    for dn in [group_dn("none"), "cn=a,dc=other".into(), "nonsense".into()] {
        let listed = lab.seen(|spec| spec.administrators = vec![dn.clone()]);
        let account = lab.wait(listed.find(&call(), &login("dana"))).unwrap();
        assert_eq!(is_protected(&account.protection), "unknown", "{dn}");
        let failure = lab.wait(listed.probe(&call())).unwrap_err();
        assert!(failure.public.contains("administrators[0]"), "{}", failure.public);
    }
}

#[test]
fn members_that_are_hidden_protect_everybody() {
    let mut options = Options::default();
    options.rights[0] = options.rights[0].replace("userPassword || aci", "userPassword || aci || member");
    let Some(lab) = Lab::with(&options, |spec| spec.administrators = vec![group_dn("admins")]) else {
        return;
    };
    assert_eq!(is_protected(&lab.account("dana").protection), "unknown");
}

#[test]
fn whom_no_policy_binds_is_protected() {
    let Some(lab) = Lab::with(&Options::default(), |_| {}) else {
        return;
    };
    assert_eq!(is_protected(&lab.account("root1").protection), "no");
    lab.server.configure("passwordAdminDN", &group_dn("admins")).unwrap();
    for (uid, expected) in [("root1", "yes"), ("nested", "yes"), ("dana", "no")] {
        assert_eq!(is_protected(&lab.account(uid).protection), expected, "{uid}");
    }
    match lab.account("root1").protection {
        Protection::Protected(why) => assert!(why.contains("passwordAdminDN"), "{why}"),
        other => panic!("{other:?}"),
    }
    lab.server.configure("passwordAdminDN", &group_dn("none")).unwrap();
    assert_eq!(is_protected(&lab.account("dana").protection), "unknown");
    let failure = lab.wait(lab.directory.probe(&call())).unwrap_err();
    assert!(failure.public.contains("passwordAdminDN"), "{}", failure.public);
}

#[test]
fn the_operator_does_not_act_on_itself() {
    let Some(lab) = shared() else { return };
    let services = lab.seen(|spec| {
        spec.base_dn = SUFFIX.into();
        spec.object_class = "organizationalRole".into();
        spec.login_attribute = "cn".into();
    });
    let own = lab.wait(services.find(&call(), &login("readmit"))).unwrap();
    assert_eq!(is_protected(&own.protection), "yes");
    let target = Target {
        id: own.id.clone(),
        server: None,
    };
    assert_eq!(lab.wait(services.unlock(&call(), &target)).as_str(), "Refused");
    let sends = lab.server.sends_by(OPERATOR_DN).unwrap();
    assert!(!sends.iter().any(|send| send.looked_for.as_ref() == Some(&own.id)));
}

#[test]
fn two_directories_on_one_server_have_one_identity() {
    let Some(lab) = shared() else { return };
    let mut other = spec(&lab.server);
    other.base_dn = SUFFIX.into();
    other.url = lab.server.url();
    let other = connect(&lab.server, &other, lab.server.secret());
    let [one, two] = [&lab.directory, &other].map(|directory| lab.wait(directory.probe(&call())).unwrap());
    assert_eq!(one.upstream, two.upstream);
    assert_eq!(Some(one.upstream), lab.server.attribute(SUFFIX, "nsUniqueId").unwrap());
}
