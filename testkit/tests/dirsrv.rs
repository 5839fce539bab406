//! The 389 Directory Server itself: it really locks, and it tells what was done to it.

use testkit::{
    dirsrv::{Dirsrv, OPERATOR_DN, Options, READER_DN},
    skip,
    slapd::{initial_password, user_dn},
};

fn unlock(uid: &str) -> String {
    format!(
        "dn: {}\nchangetype: modify\nreplace: passwordRetryCount\npasswordRetryCount: 0\n-\nreplace: accountUnlockTime\n",
        user_dn(uid)
    )
}

#[test]
fn wrong_passwords_lock_and_the_logs_tell_who_unlocked() {
    let Some(server) = skip::unless_missing(Dirsrv::start(&Options::default())) else {
        return;
    };
    assert!(server.signs_in("dana").expect("an answer"));
    server.lock("dana").expect("three wrong passwords");
    let refused = server
        .bind(&user_dn("dana"), &initial_password("dana"))
        .expect("an answer");
    assert_eq!(
        (refused.code, refused.control.as_deref()),
        (19, Some("Account locked")),
        "{refused:?}"
    );
    let denied = server
        .modify_as(READER_DN, server.secret(), &unlock("dana"))
        .expect_err("it may only read");
    assert!(denied.to_string().contains("Insufficient access (50)"), "{denied}");
    server
        .modify_as(OPERATOR_DN, server.secret(), &unlock("dana"))
        .expect("it may unlock");
    assert!(server.signs_in("dana").expect("an answer"));

    for (dn, result) in [(READER_DN, 50), (OPERATOR_DN, 0)] {
        let sends = server.sends_by(dn).expect("a log");
        assert_eq!(sends.len(), 1, "{sends:?}");
        assert_eq!((sends[0].kind.as_str(), sends[0].result), ("MOD", Some(result)));
        assert_eq!(sends[0].dn, Some(user_dn("dana")));
    }
    let changes = server.changes(&user_dn("dana")).expect("a log");
    let unlocked = changes.iter().find(|change| change.by.as_deref() == Some(OPERATOR_DN));
    assert!(
        unlocked.is_some_and(|change| change.attributes.contains(&"accountunlocktime".to_owned())),
        "{changes:?}"
    );
    assert_eq!(
        server.binds_of(&user_dn("dana")).expect("a log"),
        [0, 49, 49, 49, 19, 19, 0]
    );
}

#[test]
fn it_comes_back_at_the_same_address_with_its_data() {
    let Some(server) = skip::unless_missing(Dirsrv::start(&Options::default())) else {
        return;
    };
    server.lock("dana").expect("three wrong passwords");
    server.stop().expect("it ends when told so");
    server.bind(&user_dn("dana"), "x").expect_err("nothing answers");
    server.start_again().expect("it starts");
    assert!(!server.signs_in("dana").expect("an answer"), "still locked");
}

/// Servers that share one end each other at the start, now and then, without a word.
#[test]
fn servers_on_one_machine_share_no_semaphore() {
    let start = || skip::unless_missing(Dirsrv::start(&Options::default()));
    let (Some(one), Some(other)) = (start(), start()) else {
        return;
    };
    assert_ne!(one.semaphore(), other.semaphore());
    for server in [&one, &other] {
        assert!(server.semaphore().exists(), "{}", server.semaphore().display());
    }
    let semaphores = [one.semaphore(), other.semaphore()];
    drop((one, other));
    assert_eq!(semaphores.map(|file| file.exists()), [false, false]);
}
