//! The token, its rights, and how the organisation is reached.

use crate::world::{World, call, connect, login};
use readmit::{
    directory::Directory,
    domain::account::{AccountRead, FailureClass, Protection, ReadFailure, Sent, Step},
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
async fn the_operators_own_account_is_protected_without_any_role() {
    let world = World::start().await;
    let owner = Some("quinn@example.com".to_owned());
    let own = sandbox::options::token("own", "own-token", sandbox::okta::auth::Role::Admin);
    world
        .sandbox
        .add_token(sandbox::okta::auth::Token { owner, ..own })
        .unwrap();
    let okta = connect(
        &world.sandbox.addresses().http,
        "own-token",
        None,
        Duration::from_secs(3),
        false,
    )
    .unwrap();
    let protection = |account: AccountRead| account.protection;
    let own = okta
        .read(&call(), &world.target("quinn@example.com"))
        .await
        .map(protection);
    assert!(matches!(own, Ok(Protection::Protected(_))), "{own:?}");
    let other = okta
        .read(&call(), &world.target("bob@example.com"))
        .await
        .map(protection);
    assert_eq!(other, Ok(Protection::None));
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
async fn a_probe_tries_a_wrong_token_once() {
    let world = World::with_token("wrong").await;
    for _ in 0..3 {
        let failure = world.okta.probe(&call()).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::CredentialRefused);
    }
    assert_eq!(world.calls().len(), 1);
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

/// Runs itself again with a proxy and trusted certificates in the environment, as an operator in a cluster has them.
#[tokio::test]
async fn the_systems_proxy_and_certificates_are_honoured() {
    const NAME: &str = "rights::the_systems_proxy_and_certificates_are_honoured";
    if std::env::var_os("READMIT_TEST_PROXIED").is_some() {
        let okta = connect(
            "https://example.okta.com",
            sandbox::ADMIN_TOKEN,
            None,
            Duration::from_secs(3),
            false,
        );
        okta.unwrap().probe(&call()).await.unwrap();
        return;
    }
    let world = World::start().await;
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&ca, world.sandbox.ca_pem()).unwrap();
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args([NAME, "--exact", "--nocapture"])
        .env("READMIT_TEST_PROXIED", "1");
    command
        .env("HTTPS_PROXY", &world.sandbox.addresses().proxy)
        .env("SSL_CERT_FILE", ca.path());
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(
        world
            .sandbox
            .connects()
            .iter()
            .all(|host| host.starts_with("example.okta.com"))
    );
    assert!(!world.sandbox.connects().is_empty());
}

#[tokio::test]
async fn plain_http_to_this_machine_goes_to_no_proxy() {
    const NAME: &str = "rights::plain_http_to_this_machine_goes_to_no_proxy";
    if let Ok(url) = std::env::var("READMIT_TEST_PLAIN") {
        let okta = connect(&url, sandbox::ADMIN_TOKEN, None, Duration::from_secs(3), false).unwrap();
        okta.probe(&call()).await.unwrap();
        return;
    }
    let world = World::start().await;
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args([NAME, "--exact", "--nocapture"])
        .env("READMIT_TEST_PLAIN", &world.sandbox.addresses().http);
    command
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("http_proxy", "http://127.0.0.1:1")
        .env("NO_PROXY", "");
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(!world.calls().is_empty());
}
