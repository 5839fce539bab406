//! How a lock is seen and waited for. Nothing unlocks: that is done in the console.

use crate::world::{ADA, BOB, World, by_hand, by_login, call, connect, failed, spec};
use readmit::{
    api::Span,
    directory::Directory,
    domain::account::{FailureClass, LockState, Sent, Step},
};
use sandbox::cxone::{OPERATOR, Person, Quirk, SignIn};
use sandbox::{FaultKind, SEED_PASSWORD};
use std::time::Duration;

#[tokio::test]
async fn a_lock_is_told_with_the_place_to_click_and_nothing_is_sent() {
    let world = World::start().await;
    let ada = world.find(ADA).await.unwrap();
    let what = by_hand(&ada);
    for part in ["Admin > Security Settings > Locked Employees", "Unlock User", ADA] {
        assert!(what.contains(part), "{what}");
    }
    assert!(matches!(world.act(Step::Unlock, ADA).await, Sent::Refused(_)));
    assert!(world.calls().iter().all(|entry| entry.method != "PUT"));
    assert_eq!(world.find(BOB).await.unwrap().lock, LockState::NotLocked);
}

#[tokio::test]
async fn a_single_agent_shows_no_lock_so_that_it_comes_from_the_list() {
    let world = World::start().await;
    by_hand(&world.read(ADA).await.unwrap());
    assert_eq!(world.read(BOB).await.unwrap().lock, LockState::NotLocked);
    let lists = world.calls_to("/agents");
    assert_eq!(lists.len(), 2, "one list for each");
}

#[tokio::test]
async fn a_lock_that_is_not_shown_is_unknown_and_never_not_locked() {
    let world = World::with(&[Quirk::LockedMissing]).await;
    for name in [ADA, BOB] {
        for read in [world.find(name).await, world.read(name).await] {
            let account = read.unwrap();
            assert!(matches!(account.lock, LockState::Unknown(_)), "{account:?}");
        }
    }
    let listed = world.directory.locked(&call(), None).await.unwrap();
    assert!(listed.accounts.is_empty());
}

#[tokio::test]
async fn an_agent_that_lists_do_not_show_is_unknown() {
    let world = World::start().await;
    let id = world.agent(ADA).agent_id.to_string();
    world.sandbox.inject_once(
        "GET",
        "*/agents",
        FaultKind::Status {
            status: 200,
            body: Some(r#"{"totalRecords":0,"hiddenAgents":1,"agents":[]}"#.into()),
        },
    );
    let ada = world.directory.find(&call(), &crate::world::by_id(&id)).await.unwrap();
    assert!(
        matches!(&ada.lock, LockState::Unknown(why) if why.contains("1 hidden")),
        "{ada:?}"
    );
}

#[tokio::test]
async fn inactive_and_deleted_people_are_disabled_and_not_only_locked() {
    let world = World::start().await;
    for (name, locked) in [("dora.left@example.com", true), ("dirk.gone@example.com", false)] {
        let account = world.find(name).await.unwrap();
        assert_eq!(account.disabled, Some(true), "{name}");
        assert_eq!(matches!(account.lock, LockState::Locked(_)), locked, "{name}");
    }
    assert_eq!(world.find(ADA).await.unwrap().disabled, Some(false));
}

#[tokio::test]
async fn who_never_registered_is_to_be_invited() {
    let world = World::start().await;
    for name in ["pia.pending@example.com", "uwe.unregistered@example.com"] {
        let account = world.find(name).await.unwrap();
        for step in [Step::Unlock, Step::SetPassword] {
            assert!(account.obstacles[&step].contains("invite"), "{name} {step:?}");
        }
    }
}

#[tokio::test]
async fn blocked_is_told_and_is_somebody_elses_to_clear() {
    let world = World::start().await;
    let bruno = world.find("bruno.blocked@example.com").await.unwrap();
    assert!(by_hand(&bruno).contains("BLOCKED"));
    assert_eq!(bruno.profile["userHubStatus"], "BLOCKED");
    let listed = world.directory.locked(&call(), None).await.unwrap();
    assert!(listed.accounts.iter().all(|account| account.id != bruno.id), "no lock");
}

#[tokio::test]
async fn people_of_single_sign_on_are_locked_here_and_have_no_password_here() {
    let world = World::start().await;
    let erin = world.find("erin.sso@example.com").await.unwrap();
    by_hand(&erin);
    assert_eq!(erin.foreign_source.as_deref(), Some("SSO"));
    assert!(erin.obstacles.contains_key(&Step::SetPassword) && !erin.obstacles.contains_key(&Step::Unlock));
    // Where nothing but the login authenticator tells, the spec says which are external.
    world.tenant().add(&Person {
        authenticator: Some("corporate".into()),
        ..Person::new("eve.sso@example.com")
    });
    let mut spec = spec(&world.sandbox);
    spec.external_authenticators = vec!["corporate".into()];
    let directory = connect(&spec).unwrap();
    let eve = directory.find(&call(), &by_login("eve.sso@example.com")).await.unwrap();
    assert!(eve.obstacles.contains_key(&Step::SetPassword));
}

#[tokio::test]
async fn the_list_of_locked_people_has_every_page_and_nobody_else() {
    for quirks in [
        &[][..],
        &[Quirk::SmallPages],
        &[Quirk::SmallPages, Quirk::TotalMissing],
        &[Quirk::LockFilterIgnored],
        &[Quirk::LockFilterIgnored, Quirk::SmallPages, Quirk::EmptyList204],
    ] {
        let world = World::with(quirks).await;
        for number in 0..5 {
            world.tenant().add(&Person::locked(&format!("l{number}@example.com")));
        }
        let (mut names, mut page) = (Vec::new(), None::<String>);
        loop {
            let listed = world.directory.locked(&call(), page.as_deref()).await.unwrap();
            names.extend(listed.accounts.into_iter().filter_map(|account| account.login));
            match listed.next {
                Some(next) => page = Some(next),
                None => break,
            }
        }
        names.sort_unstable();
        let expected = [
            ADA,
            "erin.sso@example.com",
            "frank.root@example.com",
            "l0@example.com",
            "l1@example.com",
            "l2@example.com",
            "l3@example.com",
            "l4@example.com",
        ];
        assert_eq!(names, expected, "{quirks:?}");
    }
}

#[tokio::test]
async fn an_error_beside_rows_is_no_list() {
    let world = World::with(&[Quirk::ErrorBesideRows]).await;
    assert!(failed(&world.find(ADA).await).is_some());
    assert!(failed(&world.directory.locked(&call(), None).await).is_some());
}

/// However many requests wait, the list is read once a poll; that a lock is gone is read afresh.
#[tokio::test]
async fn many_who_wait_share_one_list_and_an_end_is_read_afresh() {
    let world = World::start().await;
    let people: Vec<String> = (0..20).map(|number| format!("w{number}@example.com")).collect();
    for name in &people {
        world.tenant().add(&Person::locked(name));
    }
    let mut spec = spec(&world.sandbox);
    spec.poll = Span::from_secs(1);
    let directory = connect(&spec).unwrap();
    for name in &people {
        by_hand(&directory.find(&call(), &by_login(name)).await.unwrap());
    }
    let before = world.calls().len();
    for name in people.iter().chain(&people) {
        by_hand(&directory.find_waiting(&call(), &by_login(name)).await.unwrap());
    }
    assert_eq!(world.calls().len() - before, 1, "one list for all");
    world.tenant().unlock(&people[7]).unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for (number, name) in people.iter().enumerate() {
        let account = directory.find_waiting(&call(), &by_login(name)).await.unwrap();
        let locked = matches!(account.lock, LockState::Locked(_));
        assert_eq!(locked, number != 7, "{name}");
    }
    // The list, and for the one who is free the agent and the user.
    assert_eq!(world.calls().len() - before, 4);
}

#[tokio::test]
async fn a_list_that_fails_is_told_and_asked_again() {
    let world = World::start().await;
    world.find(ADA).await.unwrap();
    world.sandbox.inject_once("GET", "*/agents", FaultKind::Unavailable);
    let waiting = world.directory.find_waiting(&call(), &by_login(ADA)).await;
    assert_eq!(failed(&waiting), Some(FailureClass::Transient(None)));
    by_hand(&world.directory.find_waiting(&call(), &by_login(ADA)).await.unwrap());
}

/// A budget that is used up does not make everybody be read alone.
#[tokio::test]
async fn while_calls_are_held_back_the_last_list_is_told_for_a_while() {
    let world = World::start().await;
    let mut spec = spec(&world.sandbox);
    spec.poll = Span::from_secs(1);
    let directory = connect(&spec).unwrap();
    by_hand(&directory.find(&call(), &by_login(ADA)).await.unwrap());
    by_hand(&directory.find_waiting(&call(), &by_login(ADA)).await.unwrap());
    let limited = FaultKind::RateLimited {
        limit: 1,
        reset_seconds: 30,
    };
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    world.sandbox.inject_once("GET", "*/agents", limited);
    by_hand(&directory.find_waiting(&call(), &by_login(ADA)).await.unwrap());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let soon = readmit::directory::Call {
        deadline: std::time::Instant::now() + Duration::from_secs(1),
        ..call()
    };
    let waiting = directory.find_waiting(&soon, &by_login(ADA)).await;
    assert!(
        matches!(failed(&waiting), Some(FailureClass::RateLimited(_))),
        "not for long: {waiting:?}"
    );
}

#[tokio::test]
async fn who_waits_and_was_never_read_is_read() {
    let world = World::start().await;
    by_hand(&world.directory.find_waiting(&call(), &by_login(ADA)).await.unwrap());
    assert_eq!(
        world
            .directory
            .find_waiting(&call(), &by_login(BOB))
            .await
            .unwrap()
            .lock,
        LockState::NotLocked
    );
}

#[tokio::test]
async fn an_unlock_by_hand_lasts_two_days_without_a_sign_in() {
    let world = World::start().await;
    let tenant = world.tenant();
    for name in [ADA, "frank.root@example.com"] {
        tenant.unlock(name).unwrap();
    }
    assert_eq!(tenant.sign_in(ADA, SEED_PASSWORD, None), SignIn::Success);
    world.sandbox.advance(47 * 3_600_000);
    assert!(!world.agent("frank.root@example.com").locked);
    world.sandbox.advance(2 * 3_600_000);
    assert_eq!(world.find(ADA).await.unwrap().lock, LockState::NotLocked);
    by_hand(&world.find("frank.root@example.com").await.unwrap());
    let probe = world.directory.probe(&call()).await.unwrap();
    let after = probe.capabilities.after_unlock.unwrap();
    assert!(after.contains("within two days"), "{after}");
}

#[tokio::test]
async fn idle_people_get_locked_and_so_may_the_operator() {
    let world = World::start().await;
    world.tenant().configure(|settings| settings.inactivity_days = Some(30));
    world.find(BOB).await.unwrap();
    world.sandbox.advance(40 * 24 * 3_600_000);
    assert!(world.agent(BOB).locked && world.agent(OPERATOR).locked);
    assert_eq!(failed(&world.find(BOB).await), Some(FailureClass::CredentialRefused));
}
