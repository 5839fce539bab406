//! Finding accounts, and what is told about them: identity, profile, groups, protection.

use crate::lab::{Lab, call, connect, email, id, login, spec, state};
use readmit::{
    directory::{Directory, Target},
    domain::account::{Protection, ReadFailure},
};
use testkit::slapd::{OPERATOR_DN, Options, SUFFIX, group_dn, user_dn};

#[test]
fn an_account_is_found_in_three_ways() {
    let Some(lab) = Lab::start() else { return };
    let by_login = lab.account("alice");
    assert_eq!(by_login.id, lab.target("alice").id);
    assert_eq!(by_login.login.as_deref(), Some("alice"));
    assert_eq!(by_login.email.as_deref(), Some("alice@example.com"));
    assert_eq!(by_login.disabled, Some(false));
    for key in [login("ALICE"), email("alice@example.com"), id(&by_login.id)] {
        assert_eq!(lab.find(&key).as_ref(), Ok(&by_login), "{key:?}");
    }
    let read = lab.wait(lab.directory.read(&call(), &lab.target("alice")));
    assert_eq!(read, Ok(by_login));
}

#[test]
fn names_are_values_and_never_syntax() {
    let Some(lab) = Lab::start() else { return };
    for uid in ["star*", "paren(s)", "o'hara, jo"] {
        assert_eq!(lab.account(uid).login.as_deref(), Some(uid));
    }
    let long = "x".repeat(300);
    let longer = "x".repeat(100_000);
    for name in [
        "*",
        "ali*",
        "alice)(uid=*",
        "*)(objectClass=*",
        "alice)(|(uid=*",
        "\\2a",
        "alice\0",
        "\u{0}",
        "nobody",
        "",
        &long,
        &longer,
    ] {
        assert_eq!(lab.find(&login(name)), Err(ReadFailure::NotFound), "{name:?}");
        assert_eq!(lab.find(&email(name)), Err(ReadFailure::NotFound), "{name:?}");
        assert_eq!(lab.find(&id(name)), Err(ReadFailure::NotFound), "{name:?}");
    }
    // Outside the base and not of the class.
    assert_eq!(lab.find(&login("readmit")), Err(ReadFailure::NotFound));
    let gone = Target {
        id: "00000000-0000-0000-0000-000000000000".into(),
        server: None,
    };
    assert_eq!(lab.wait(lab.directory.read(&call(), &gone)), Err(ReadFailure::NotFound));
    assert_eq!(lab.wait(lab.directory.unlock(&call(), &gone)).as_str(), "Refused");
    assert!(lab.writes(OPERATOR_DN).is_empty());
}

#[test]
fn two_matches_are_ambiguous() {
    let Some(lab) = Lab::start() else { return };
    assert_eq!(lab.find(&email("twins@example.com")), Err(ReadFailure::Ambiguous));
    assert!(lab.find(&login("twin1")).is_ok());
}

#[test]
fn the_profile_holds_what_may_be_read_and_no_secret() {
    let Some(mut lab) = Lab::start() else { return };
    let check = |account: readmit::domain::account::AccountRead| {
        assert_eq!(account.profile["employeeType"], "staff");
        assert_eq!(account.profile["cn"], "Alice Archer");
        assert!(
            !account
                .profile
                .keys()
                .any(|name| name.to_lowercase().starts_with("pwd"))
        );
        assert!(!format!("{account:?}").contains("SSHA"));
        account
    };
    let account = check(lab.account("alice"));
    // Whoever may set it sees that it is there; its value is never asked for.
    assert_eq!(account.unreadable, ["userPassword"]);
    let photo = format!(
        "dn: {}\nchangetype: modify\nadd: jpegPhoto\njpegPhoto:: /9j/4AAQ\n",
        user_dn("alice")
    );
    lab.slapd.modify(&photo).unwrap();
    lab.set("alice", "description", &"x".repeat(20_000));
    // The root may read password hashes; the provider does not ask.
    lab.change(|spec| spec.bind_dn = testkit::slapd::ROOT_DN.into());
    let mut account = check(lab.account("alice"));
    account.unreadable.sort();
    assert_eq!(account.unreadable, ["description", "jpegPhoto", "userPassword"]);
    let log = lab.slapd.log().unwrap();
    let asked: Vec<&str> = log.lines().filter(|line| line.contains("SRCH attr=")).collect();
    assert!(
        !asked.is_empty()
            && !asked
                .iter()
                .any(|line| line.contains("userPassword") || line.contains("jpegPhoto"))
    );
}

#[test]
fn groups_are_transitive() {
    let Some(lab) = Lab::start() else { return };
    for (uid, expected) in [
        ("nested", vec![group_dn("admins"), group_dn("platform")]),
        ("root1", vec![group_dn("admins")]),
        ("alice", vec![group_dn("staff")]),
        ("gus", vec![]),
    ] {
        let mut groups = lab.account(uid).groups.unwrap();
        groups.sort();
        assert_eq!(groups, expected, "{uid}");
    }
}

#[test]
fn groups_in_a_circle_and_of_other_classes_are_read() {
    let Some(lab) = Lab::start() else { return };
    let gus = user_dn("gus");
    let ldif = format!(
        "dn: cn=one,ou=groups,{SUFFIX}\nobjectClass: groupOfUniqueNames\nuniqueMember: {gus}\n\
         uniqueMember: cn=two,ou=groups,{SUFFIX}\n\n\
         dn: cn=two,ou=groups,{SUFFIX}\nobjectClass: groupOfNames\nmember: cn=one,ou=groups,{SUFFIX}\n\n"
    );
    lab.slapd.add(&ldif).unwrap();
    let mut groups = lab.account("gus").groups.unwrap();
    groups.sort();
    assert_eq!(groups, [group_dn("one"), group_dn("two")]);
}

#[test]
fn more_groups_than_are_read_is_an_error_and_no_short_list() {
    let Some(lab) = Lab::start() else { return };
    let gus = user_dn("gus");
    let many: String = (0..1100)
        .map(|n| format!("dn: cn=g{n},ou=groups,{SUFFIX}\nobjectClass: groupOfNames\nmember: {gus}\n\n"))
        .collect();
    lab.slapd.add(&many).unwrap();
    let account = lab.account("gus");
    assert!(
        account.groups.is_err(),
        "{:?}",
        account.groups.map(|groups| groups.len())
    );
}

#[test]
fn administrators_are_protected_also_through_nested_groups() {
    let Some(mut lab) = Lab::start() else { return };
    lab.change(|spec| spec.administrators = vec!["CN=Admins,ou=groups, dc=example,dc=test".into(), user_dn("xena")]);
    for (uid, protected) in [("root1", true), ("nested", true), ("xena", true), ("alice", false)] {
        let protection = lab.account(uid).protection;
        assert_eq!(
            matches!(protection, Protection::Protected(_)),
            protected,
            "{uid}: {protection:?}"
        );
        assert_eq!(protection == Protection::None, !protected);
    }
    lab.wait(lab.directory.probe(&call())).unwrap();
}

#[test]
fn an_administrator_that_cannot_be_looked_up_protects_everybody() {
    let hidden_members = Options {
        access: format!(
            "access to dn.subtree=\"ou=groups,{SUFFIX}\" attrs=member\n  by * none\n{}",
            testkit::slapd::ACCESS
        ),
        ..Options::default()
    };
    let hidden = Lab::with(hidden_members, |spec| spec.administrators = vec![group_dn("admins")]);
    let missing = Lab::with(Options::default(), |spec| spec.administrators = vec![group_dn("none")]);
    let outside = Lab::with(Options::default(), |spec| {
        spec.administrators = vec!["cn=a,dc=other".into()]
    });
    for lab in [hidden, missing, outside] {
        let Some(lab) = lab else { return };
        let protection = lab.account("alice").protection;
        assert!(matches!(protection, Protection::Unknown(_)), "{protection:?}");
        let failure = lab.wait(lab.directory.probe(&call())).unwrap_err();
        assert!(failure.public.contains("administrators[0]"), "{}", failure.public);
    }
}

#[test]
fn the_operator_does_not_act_on_itself() {
    let Some(lab) = Lab::with(Options::default(), |spec| {
        spec.base_dn = SUFFIX.into();
        spec.object_class = "organizationalRole".into();
        spec.login_attribute = "cn".into();
    }) else {
        return;
    };
    let own = lab.account("readmit");
    assert!(matches!(own.protection, Protection::Protected(_)));
    let target = Target {
        id: own.id,
        server: None,
    };
    assert_eq!(lab.wait(lab.directory.unlock(&call(), &target)).as_str(), "Refused");
    assert!(lab.writes(OPERATOR_DN).is_empty());
}

#[test]
fn two_directories_on_one_server_have_one_identity() {
    let Some(lab) = Lab::start() else { return };
    let mut other = spec(&lab.slapd);
    other.base_dn = SUFFIX.into();
    other.url = lab.slapd.url();
    let other = connect(&lab.slapd, &other, lab.slapd.secret());
    let [one, two] = [&lab.directory, &other].map(|directory| lab.wait(directory.probe(&call())).unwrap());
    assert_eq!(one.upstream, two.upstream);
    assert_eq!(Some(one.upstream), lab.slapd.attribute(SUFFIX, "entryUUID").unwrap());
    assert_eq!(state(&lab.account("alice").lock), "not locked");
}
