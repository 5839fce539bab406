//! The token, its rights, and how the organisation is reached.

use crate::world::{World, call, connect, login};
use readmit::{
    directory::Directory,
    domain::account::{FailureClass, Protection, ReadFailure, Sent, Step},
};
use sandbox::{Fault, FaultKind, NO_ROLES_TOKEN, Options, Quirk, Sandbox};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn a_probe_tells_identity_and_capabilities() {
    let world = World::start().await;
    let probe = world.okta.probe(&call()).await.unwrap();
    assert!(!probe.upstream.is_empty());
    assert!(probe.capabilities.unable.is_empty());
    assert!(probe.capabilities.unlock_only_clears && !probe.capabilities.reset_unlocks);
    assert!(world.writes().is_empty());
    let other = Sandbox::start(Options {
        org: "other".into(),
        ..Options::default()
    })
    .await
    .unwrap();
    let url = other.addresses().http.clone();
    let okta = connect(&url, sandbox::ADMIN_TOKEN, None, Duration::from_secs(3), false).unwrap();
    assert_ne!(okta.probe(&call()).await.unwrap().upstream, probe.upstream);
}

#[tokio::test]
async fn a_token_that_may_not_see_roles_is_not_ready_and_the_right_is_named() {
    let world = World::with_token(NO_ROLES_TOKEN).await;
    let failure = world.okta.probe(&call()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::NeedsConfig);
    assert!(failure.public.contains("okta.roles.read"), "{}", failure.public);
    let account = world.read("alice@example.com").await.unwrap();
    assert!(
        matches!(account.protection, Protection::Unknown(_)),
        "{:?}",
        account.protection
    );
}

#[tokio::test]
async fn a_role_look_up_that_fails_is_unknown_and_asked_again() {
    let world = World::start().await;
    world
        .sandbox
        .inject_once("GET", "/api/v1/users/*/roles", FaultKind::Unavailable);
    let protection = world.read("alice@example.com").await.unwrap().protection;
    assert!(matches!(protection, Protection::Unknown(_)), "{protection:?}");
    assert_eq!(
        world.read("alice@example.com").await.unwrap().protection,
        Protection::None
    );
}

#[tokio::test]
async fn roles_are_remembered_for_a_while() {
    let world = World::start().await;
    for _ in 0..3 {
        world.read("alice@example.com").await.unwrap();
    }
    let roles = world
        .calls()
        .iter()
        .filter(|entry| entry.path.ends_with("/roles"))
        .count();
    assert_eq!(roles, 1);
}

#[tokio::test]
async fn an_own_account_that_cannot_be_read_leaves_protection_unknown() {
    let world = World::start().await;
    world
        .sandbox
        .inject(Fault::always("GET", "/api/v1/users/me", FaultKind::Unavailable));
    let protection = world.read("alice@example.com").await.unwrap().protection;
    assert!(matches!(protection, Protection::Unknown(_)), "{protection:?}");
}

#[tokio::test]
async fn a_refused_token_is_tried_once_even_by_many_at_once() {
    for empty in [true, false] {
        let world = World::with_token("wrong").await;
        world.sandbox.set_quirk(Quirk::Empty401, empty);
        let okta = Arc::new(
            connect(
                &world.sandbox.addresses().http,
                "wrong",
                None,
                Duration::from_secs(3),
                true,
            )
            .unwrap(),
        );
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let okta = okta.clone();
                tokio::spawn(async move { okta.find(&call(), &login("alice@example.com")).await })
            })
            .collect();
        for task in tasks {
            let found = task.await.unwrap();
            assert!(matches!(found, Err(ReadFailure::Failed(f)) if f.class == FailureClass::CredentialRefused));
        }
        let target = world.target("alice@example.com");
        let sent = okta.unlock(&call(), &target).await;
        assert!(matches!(sent, Sent::NotSent(f) if f.class == FailureClass::CredentialRefused));
        assert_eq!(world.calls().len(), 1, "empty: {empty}");
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_later_stops_everything() {
    let world = World::start().await;
    world.read("alice@example.com").await.unwrap();
    world.sandbox.revoke_token(sandbox::ADMIN_TOKEN);
    let before = world.calls().len();
    let sent = world.act(Step::Unlock, "alice@example.com").await;
    assert!(matches!(sent, Sent::Refused(f) if f.class == FailureClass::CredentialRefused));
    let sent = world.act(Step::Unlock, "alice@example.com").await;
    assert!(matches!(sent, Sent::NotSent(f) if f.class == FailureClass::CredentialRefused));
    assert_eq!(world.calls().len(), before + 1);
}

#[tokio::test]
async fn the_token_is_in_no_error() {
    let world = World::with_token("s3cret-token").await;
    let failure = world.okta.probe(&call()).await.map(|_| ());
    let found = world.find(login("alice@example.com")).await;
    assert!(!format!("{failure:?} {found:?}").contains("s3cret-token"));
}

#[tokio::test]
async fn a_certificate_is_trusted_by_the_ca_that_is_named() {
    let world = World::start().await;
    let (url, ca) = (&world.sandbox.addresses().https, world.sandbox.ca_pem());
    let trusting = connect(url, sandbox::ADMIN_TOKEN, Some(ca), Duration::from_secs(3), false).unwrap();
    trusting.probe(&call()).await.unwrap();
    let before = world.calls().len();
    let wary = connect(url, sandbox::ADMIN_TOKEN, None, Duration::from_secs(3), false).unwrap();
    let sent = wary.unlock(&call(), &world.target("alice@example.com")).await;
    assert!(
        matches!(&sent, Sent::NotSent(f) if f.class == FailureClass::NeedsConfig),
        "{sent:?}"
    );
    assert_eq!(world.calls().len(), before);
}
