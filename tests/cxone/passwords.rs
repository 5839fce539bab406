//! Passwords and sessions: each is one call, and what comes back is not believed by its status alone.

use crate::world::{ADA, BOB, NEW_PASSWORD, World, call, refused};
use readmit::{
    directory::{Directory, Target},
    domain::account::{FailureClass, Sent, Step},
    secret::Secret,
};
use sandbox::cxone::{Quirk, SignIn};
use sandbox::{SEED_PASSWORD, fingerprint};
use std::time::Duration;

#[tokio::test]
async fn a_password_is_set_as_it_is_and_must_be_changed() {
    let world = World::start().await;
    assert_eq!(world.act(Step::SetPassword, BOB).await, Sent::Done);
    assert_eq!(world.agent(BOB).password(), Some(fingerprint(NEW_PASSWORD)));
    let sign_in = |new| world.tenant().sign_in(BOB, NEW_PASSWORD, new);
    assert_eq!(sign_in(None), SignIn::MustChange);
    assert_eq!(sign_in(Some("Ganz-Neues-Wort-9")), SignIn::Success);
    assert_eq!(world.calls_to("/reset-password").len(), 1);
}

#[tokio::test]
async fn a_reset_does_not_unlock_and_nobody_says_so() {
    let world = World::start().await;
    assert_eq!(world.act(Step::SetPassword, ADA).await, Sent::Done);
    assert!(world.agent(ADA).locked);
    crate::world::by_hand(&world.read(ADA).await.unwrap());
    let probe = world.directory.probe(&call()).await.unwrap();
    assert!(!probe.capabilities.reset_unlocks);
}

#[tokio::test]
async fn a_204_is_done() {
    let world = World::with(&[Quirk::Reset204]).await;
    assert_eq!(world.act(Step::SetPassword, BOB).await, Sent::Done);
}

#[tokio::test]
async fn a_202_is_not_done() {
    let world = World::with(&[Quirk::Accepted202]).await;
    assert_eq!(world.act(Step::SetPassword, BOB).await.as_str(), "Unknown");
    assert_eq!(world.agent(BOB).password(), Some(fingerprint(SEED_PASSWORD)));
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(
        world.agent(BOB).password(),
        Some(fingerprint(NEW_PASSWORD)),
        "carried out later"
    );
}

#[tokio::test]
async fn a_failure_inside_a_200_is_refused() {
    let world = World::with(&[Quirk::ErrorInsideSuccess]).await;
    let sent = world.act(Step::SetPassword, BOB).await;
    assert_eq!(refused(&sent), Some(FailureClass::Permanent), "{sent:?}");
    assert_eq!(world.calls_to("/reset-password")[0].status, Some(200));
}

#[tokio::test]
async fn a_complexity_result_other_than_success_is_refused() {
    let world = World::start().await;
    let weak = Secret::new("tooweak".into());
    let sent = world
        .directory
        .set_password(&call(), &world.target(BOB), &weak, &[])
        .await;
    let Sent::Refused(failure) = sent else {
        panic!("{sent:?}")
    };
    assert!(failure.public.contains("password.length"), "{}", failure.public);
    assert_eq!(world.calls_to("/reset-password")[0].status, Some(200));
    // And so is the same password again, by the history of the tenant's rules.
    assert_eq!(world.act(Step::SetPassword, BOB).await, Sent::Done);
    assert!(matches!(world.act(Step::SetPassword, BOB).await, Sent::Refused(_)));
}

#[tokio::test]
async fn a_tenant_without_the_call_is_told_with_the_place_to_click() {
    let world = World::with(&[Quirk::ResetMissing]).await;
    let sent = world.act(Step::SetPassword, BOB).await;
    let Sent::Refused(failure) = sent else {
        panic!("{sent:?}")
    };
    assert_eq!(failure.class, FailureClass::Permanent);
    assert!(failure.public.contains("Admin > Employees"), "{}", failure.public);
}

#[tokio::test]
async fn a_missing_right_waits_for_an_administrator() {
    let world = World::with(&[Quirk::ResetForbidden]).await;
    let sent = world.act(Step::SetPassword, BOB).await;
    let Sent::Refused(failure) = sent else {
        panic!("{sent:?}")
    };
    assert_eq!(failure.class, FailureClass::NeedsConfig);
    assert!(failure.public.contains("Users Edit"), "{}", failure.public);
}

#[tokio::test]
async fn only_numbers_of_agents_are_written_to() {
    let world = World::start().await;
    for id in [
        world.agent(BOB).user_id,
        "../users".into(),
        "1/logout?x=".into(),
        String::new(),
    ] {
        let target = Target { id, server: None };
        let password = Secret::new(NEW_PASSWORD.into());
        let sent = world.directory.set_password(&call(), &target, &password, &[]).await;
        assert!(matches!(sent, Sent::NotSent(_)), "{sent:?}");
        let sent = world.directory.revoke_sessions(&call(), &target).await;
        assert!(matches!(sent, Sent::NotSent(_)), "{sent:?}");
    }
    assert!(world.calls().is_empty());
}

#[tokio::test]
async fn sessions_end() {
    let world = World::start().await;
    world
        .tenant()
        .change("sign in", BOB, |agent| agent.sessions = 1)
        .unwrap();
    assert_eq!(world.act(Step::RevokeSessions, BOB).await, Sent::Done);
    assert_eq!(world.agent(BOB).sessions, 0);
    world.tenant().set_quirk(Quirk::LogoutRefused, true);
    let sent = world.act(Step::RevokeSessions, BOB).await;
    assert_eq!(refused(&sent), Some(FailureClass::Permanent));
}

#[tokio::test]
async fn a_reset_that_does_unlock_is_seen_by_reading() {
    let world = World::with(&[Quirk::ResetUnlocks]).await;
    assert_eq!(world.act(Step::SetPassword, ADA).await, Sent::Done);
    let ada = world.read(ADA).await.unwrap();
    assert_eq!(ada.lock, readmit::domain::account::LockState::NotLocked);
}
