//! Okta's oddities, each turned on and off: what is told and done must not depend on which way an organisation has it.

use crate::world::{World, call, email, id, login};
use readmit::{
    directory::{Call, Directory, Lane},
    domain::account::{FailureClass, LockState, ReadFailure, Sent, Step},
};
use sandbox::{FaultKind, Quirk, SeedUser, Status};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn links_of_lists_are_not_believed() {
    for unreliable in [true, false] {
        let world = World::start().await;
        world.sandbox.set_quirk(Quirk::LinksUnreliable, unreliable);
        let page = world.okta.locked(&call(), None).await.unwrap();
        assert!(page.accounts.len() >= 2 && page.next.is_none());
        let locked = |lock: &LockState| matches!(lock, LockState::Locked(_));
        assert!(
            page.accounts.iter().all(|account| locked(&account.lock)),
            "{unreliable}"
        );
        for (address, expected) in [("alice@example.com", true), ("bob@example.com", false)] {
            let found = world.find(email(address)).await.unwrap();
            assert_eq!(locked(&found.lock), expected, "{address}, {unreliable}");
        }
    }
}

#[tokio::test]
async fn a_login_with_a_slash_is_found_whether_or_not_paths_take_it() {
    for separates in [true, false] {
        let world = World::start().await;
        world.sandbox.set_quirk(Quirk::LoginWithSlash, separates);
        let found = world.find(login("team/oscar@example.com")).await.unwrap();
        assert_eq!(found.login.as_deref(), Some("team/oscar@example.com"), "{separates}");
        assert_eq!(
            world.find(login("team/nobody@example.com")).await,
            Err(ReadFailure::NotFound)
        );
    }
}

#[tokio::test]
async fn a_link_is_mailed_whatever_send_email_defaults_to() {
    for needed in [true, false] {
        let world = World::start().await;
        world.sandbox.set_quirk(Quirk::ResetNeedsSendEmail, needed);
        assert_eq!(world.act(Step::SendLink, "bob@example.com").await, Sent::Done);
        assert_eq!(world.sandbox.mails().len(), 1, "{needed}");
    }
}

#[tokio::test]
async fn what_is_not_documented_of_resets_is_tried_once_and_a_refusal_told() {
    for (quirk, account) in [
        (Quirk::ResetFromRecoveryRefused, "grace@example.com"),
        (Quirk::ResetFromLockedOutRefused, "alice@example.com"),
        (Quirk::ResetFromPasswordExpiredRefused, "carol@example.com"),
    ] {
        for refuses in [true, false] {
            let world = World::start().await;
            world.sandbox.set_quirk(quirk, refuses);
            let account_read = world.read(account).await.unwrap();
            assert!(
                !account_read.obstacles.contains_key(&Step::SendLink),
                "{quirk:?}: it is not ruled out beforehand"
            );
            let sent = world.act(Step::SendLink, account).await;
            match sent {
                Sent::Refused(failure) if refuses => {
                    assert_eq!(failure.class, FailureClass::Permanent);
                    assert!(failure.public.contains("E0000038"), "{}", failure.public);
                }
                Sent::Done if !refuses => {}
                other => panic!("{quirk:?} {refuses}: {other:?}"),
            }
            assert_eq!(world.writes().len(), 1, "{quirk:?}");
        }
    }
}

#[tokio::test]
async fn no_time_of_a_password_is_taken_for_a_marker() {
    for keeps in [true, false] {
        let world = World::start().await;
        world.sandbox.set_quirk(Quirk::AdminSetKeepsPasswordChanged, keeps);
        assert_eq!(world.read("bob@example.com").await.unwrap().password_marker, None);
        assert_eq!(world.act(Step::SetPassword, "bob@example.com").await, Sent::Done);
        assert_eq!(
            world.read("bob@example.com").await.unwrap().password_marker,
            None,
            "{keeps}"
        );
    }
}

#[tokio::test]
async fn a_search_that_lags_is_not_believed() {
    let world = World::start().await;
    world.sandbox.configure(|settings| settings.search_lag_ms = 60_000);
    let user = |name: &str, address: &str| SeedUser {
        email: Some(address.into()),
        ..SeedUser::new(name, Status::Active, Some("Correct-Horse-7"))
    };
    world
        .sandbox
        .seed([user("new@example.com", "new@mail.example")])
        .unwrap();
    // The filter is up to date where the letters are the same; the search has not heard of the account.
    let found = world.find(email("new@mail.example")).await.unwrap();
    assert_eq!(found.login.as_deref(), Some("new@example.com"));
    assert_eq!(world.find(email("NEW@mail.example")).await, Err(ReadFailure::NotFound));
    // The search still finds the former address; the account itself says otherwise.
    change(&world, "bob@example.com", json!({"email": "moved@mail.example"})).await;
    assert_eq!(world.find(email("BOB@example.com")).await, Err(ReadFailure::NotFound));
    assert_eq!(world.find(email("bob@example.com")).await, Err(ReadFailure::NotFound));
    assert!(world.find(email("moved@mail.example")).await.is_ok());
}

#[tokio::test]
async fn a_renamed_account_is_still_found_by_its_id() {
    let world = World::start().await;
    let bob = world.id("bob@example.com");
    change(&world, "bob@example.com", json!({"login": "robert@example.com"})).await;
    assert_eq!(world.find(login("bob@example.com")).await, Err(ReadFailure::NotFound));
    let found = world.find(id(&bob)).await.unwrap();
    assert_eq!((found.id, found.login.as_deref()), (bob, Some("robert@example.com")));
}

/// Somebody else changes a profile.
async fn change(world: &World, login: &str, profile: serde_json::Value) {
    let url = format!("{}/api/v1/users/{}", world.sandbox.addresses().http, world.id(login));
    let request = reqwest::Client::new()
        .post(url)
        .header("authorization", format!("SSWS {}", sandbox::SUPER_ADMIN_TOKEN))
        .header("user-agent", crate::world::SOMEBODY)
        .json(&json!({"profile": profile}));
    let response = request.send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
}

#[tokio::test]
async fn a_token_that_has_half_of_a_limit_is_told_by_a_429_and_stops_there() {
    for hidden in [true, false] {
        let world = World::start().await;
        world.sandbox.set_quirk(Quirk::TokenShareHidden, hidden);
        world.sandbox.configure(|settings| {
            settings.rate_limits.limits.insert("GET /api/v1/users/{id}".into(), 24);
        });
        let mut answered = 0;
        for _ in 0..20 {
            let soon = Call {
                lane: Lane::Person,
                deadline: Instant::now() + Duration::from_millis(1500),
            };
            answered += u32::from(world.okta.read(&soon, &world.target("bob@example.com")).await.is_ok());
        }
        assert!((9..=12).contains(&answered), "half of 24: {answered}, hidden: {hidden}");
        let refused = world.calls().iter().filter(|entry| entry.status == Some(429)).count();
        assert_eq!(
            refused,
            usize::from(hidden),
            "found out once where nothing shows it, and not asked again before the reset"
        );
    }
}

#[tokio::test]
async fn the_reset_of_a_limit_is_a_time_of_oktas_clock() {
    for ahead in [3_600_000, -3_600_000] {
        let world = World::start().await;
        world.sandbox.advance(ahead);
        let limited = FaultKind::RateLimited {
            limit: 600,
            reset_seconds: 20,
        };
        world.sandbox.inject_once("GET", "*", limited);
        match world.read("bob@example.com").await {
            Err(ReadFailure::Failed(failure)) => match failure.class {
                FailureClass::RateLimited(after) => assert!((18..=23).contains(&after.as_secs()), "{ahead}: {after:?}"),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
}
