//! The operator as a service app: keys, access tokens, proofs of possession, and what the token endpoint refuses.

use crate::{
    app::{App, Form, Key},
    world::{World, call, connect_app, login},
};
use jiff::{SignedDuration, Timestamp};
use readmit::{
    directory::Directory,
    domain::account::{FailureClass, LockState, Protection, ReadFailure, Sent, Step},
};
use sandbox::{Fault, FaultKind, Quirk, okta::auth::Role};
use std::{sync::Arc, time::Duration};

const TOKEN: &str = "/oauth2/v1/token";

/// An app that must prove its possession of a key, or need not.
fn proving(dpop: bool) -> App {
    App { dpop, ..App::new() }
}

fn granted() -> (Option<u16>, Option<String>) {
    (Some(200), None)
}

fn refused(status: u16, error: &str) -> (Option<u16>, Option<String>) {
    (Some(status), Some(error.into()))
}

#[tokio::test]
async fn keys_of_every_kind_sign_in() {
    let mut keys = Vec::new();
    for form in [Form::Pem, Form::Jwk] {
        for curve in ["P-256", "P-384", "P-521"] {
            keys.push((format!("{curve} {form:?}"), Key::elliptic(curve, form)));
        }
    }
    keys.push(("RSA PEM".into(), Key::rsa("RS256", Form::Pem)));
    for algorithm in ["RS256", "RS384", "RS512"] {
        keys.push((algorithm.into(), Key::rsa(algorithm, Form::Jwk)));
    }
    for (what, key) in keys {
        for dpop in [false, true] {
            let app = App {
                dpop,
                ..App::with_key(key.clone())
            };
            let world = World::with_app(app).await;
            let probe = world.okta.probe(&call()).await;
            assert!(probe.is_ok(), "{what}, dpop {dpop}: {probe:?}");
            assert_eq!(
                world.act(Step::Unlock, "alice@example.com").await,
                Sent::Done,
                "{what}, dpop {dpop}"
            );
        }
    }
}

#[tokio::test]
async fn the_key_is_named_where_the_app_has_several() {
    for (kid, named, works) in [
        (Some("k1"), None, true), // a JSON Web Key brings its own
        (None, Some("k1"), true),
        (Some("other"), Some("k1"), true),
        (None, Some("k2"), false),
    ] {
        let mut key = Key::elliptic("P-256", Form::Jwk);
        let mut secret: serde_json::Value = serde_json::from_str(&key.secret).unwrap();
        secret["kid"] = kid.map_or(serde_json::Value::Null, Into::into);
        key.secret = secret.to_string();
        let app = App {
            named: named.map(str::to_owned),
            ..App::with_key(key)
        };
        let probed = World::with_app(app).await.okta.probe(&call()).await;
        assert_eq!(probed.is_ok(), works, "{kid:?} {named:?}: {probed:?}");
    }
}

#[tokio::test]
async fn keys_that_cannot_sign_are_a_fault_of_the_configuration_and_nothing_is_sent() {
    let world = World::start().await;
    let without_private = {
        let mut key: serde_json::Value = serde_json::from_str(&Key::elliptic("P-256", Form::Jwk).secret).unwrap();
        key.as_object_mut().unwrap().remove("d");
        key.to_string()
    };
    let of_another = {
        let mut key: serde_json::Value = serde_json::from_str(&Key::elliptic("P-256", Form::Jwk).secret).unwrap();
        let other: serde_json::Value = serde_json::from_str(&Key::elliptic("P-256", Form::Jwk).secret).unwrap();
        key["d"] = other["d"].clone();
        key.to_string()
    };
    for (secret, words) in [
        ("", "neither a private key in PEM nor"),
        ("s3cret-not-a-key", "neither a private key in PEM nor"),
        ("{\"kty\": \"EC\", \"s3cret", "is not a JSON Web Key"),
        ("{\"keys\": []}", "is not a JSON Web Key"),
        ("{\"kty\": \"oct\", \"k\": \"s3cret\"}", "cannot be used"),
        (
            "{\"kty\": \"EC\", \"crv\": \"P-256\", \"d\": \"s3cret !\"}",
            "is not a JSON Web Key",
        ),
        (&without_private, "cannot be used"),
        (&of_another, "cannot be used"),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\ns3cret\n-----END ENCRYPTED PRIVATE KEY-----",
            "without a passphrase",
        ),
        (
            "-----BEGIN PUBLIC KEY-----\nczNjcmV0\n-----END PUBLIC KEY-----",
            "neither a private key in PEM nor",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nczNjcmV0\n-----END PRIVATE KEY-----",
            "cannot be used",
        ),
    ] {
        let mut app = App::new();
        app.key.secret = secret.into();
        let failure = connect_app(&world.sandbox.addresses().http, &app).err().unwrap();
        assert_eq!(failure.class, FailureClass::NeedsConfig, "{secret}");
        assert!(failure.public.contains(words), "{secret}: {}", failure.public);
        assert!(!format!("{failure:?}").contains("s3cret"), "{failure:?}");
    }
    assert!(world.calls().is_empty());
}

#[tokio::test]
async fn one_token_serves_many_calls_at_once() {
    for dpop in [false, true] {
        let world = World::with_app(proving(dpop)).await;
        let reads = (0..20).map(|_| world.read("bob@example.com"));
        for read in futures::future::join_all(reads).await {
            assert!(read.is_ok(), "{read:?}");
        }
        let granted = world.grants().iter().filter(|grant| **grant == granted()).count();
        assert_eq!(granted, 1, "dpop {dpop}");
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let world = World::with_app(App::new()).await;
    world.sandbox.configure(|settings| settings.access_token_seconds = 3);
    world.read("bob@example.com").await.unwrap();
    world.read("bob@example.com").await.unwrap();
    assert_eq!(world.grants().len(), 1);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    world.read("bob@example.com").await.unwrap();
    assert_eq!(world.grants(), [granted(), granted()], "after four fifths of its life");
    assert!(
        world.calls().iter().all(|entry| entry.status == Some(200)),
        "none was refused first"
    );
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once_and_the_call_is_sent_again() {
    for dpop in [false, true] {
        for step in Step::ALL {
            let world = World::with_app(proving(dpop)).await;
            world.read("bob@example.com").await.unwrap();
            let before = world.grants().len();
            world.sandbox.shared().okta().revoke_access_tokens();
            let account = if step == Step::Unlock {
                "alice@example.com"
            } else {
                "bob@example.com"
            };
            assert_eq!(world.act(step, account).await, Sent::Done, "{step:?}, dpop {dpop}");
            assert_eq!(world.grants().len(), before + 1, "{step:?}, dpop {dpop}");
            let writes = world.writes().into_iter().filter(|entry| entry.path != TOKEN);
            let statuses: Vec<_> = writes.map(|entry| (entry.status, entry.applied)).collect();
            assert_eq!(statuses.len(), 2, "{step:?}");
            assert_eq!(statuses[0], (Some(401), false), "{step:?}");
            assert!(statuses[1].1, "{step:?}: applied once");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_refused_again_stops_everything() {
    let world = World::with_app(App::new()).await;
    world.read("bob@example.com").await.unwrap();
    let refusal = FaultKind::Status {
        status: 401,
        body: None,
    };
    world.sandbox.inject(Fault::always("POST", "/api/v1/users/*", refusal));
    let sent = world.act(Step::Unlock, "alice@example.com").await;
    assert!(
        matches!(&sent, Sent::Refused(f) if f.class == FailureClass::CredentialRefused),
        "{sent:?}"
    );
    let before = world.calls().len();
    assert_eq!(world.grants(), [granted(), granted()]);
    let sent = world.act(Step::Unlock, "alice@example.com").await;
    assert!(
        matches!(&sent, Sent::NotSent(f) if f.class == FailureClass::CredentialRefused),
        "{sent:?}"
    );
    assert_eq!(world.calls().len(), before, "nothing more is sent");
}

#[tokio::test]
async fn a_wrong_key_is_tried_once_even_by_many_at_once() {
    let world = World::with_app(App::new()).await;
    let other = App::new();
    let okta = Arc::new(connect_app(&world.sandbox.addresses().http, &other).unwrap());
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let okta = okta.clone();
            tokio::spawn(async move { okta.find(&call(), &login("alice@example.com")).await })
        })
        .collect();
    for task in tasks {
        let found = task.await.unwrap();
        assert!(
            matches!(&found, Err(ReadFailure::Failed(f)) if f.class == FailureClass::CredentialRefused),
            "{found:?}"
        );
    }
    assert_eq!(
        okta.probe(&call()).await.unwrap_err().class,
        FailureClass::CredentialRefused
    );
    assert_eq!(world.grants(), [refused(401, "invalid_client")]);
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test]
async fn a_scope_that_is_not_granted_is_named_and_not_asked_for_again_at_once() {
    let app = App {
        asked: vec!["okta.users.manage", "okta.roles.read", "okta.logs.read"],
        ..App::new()
    };
    let world = World::with_app(app).await;
    for _ in 0..3 {
        let failure = world.okta.probe(&call()).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::NeedsConfig);
        assert!(
            failure.public.contains("oauth.scopes") && failure.public.contains("okta.logs.read"),
            "{}",
            failure.public
        );
    }
    assert_eq!(world.grants(), [refused(400, "invalid_scope")]);
}

#[tokio::test]
async fn a_scope_or_a_role_that_is_missing_is_a_missing_right() {
    for (app, step, words) in [
        (
            App {
                role: None,
                ..App::new()
            },
            Step::Unlock,
            "administrator role or scopes",
        ),
        (
            App {
                asked: vec!["okta.users.read", "okta.roles.read"],
                granted: vec!["okta.users.read", "okta.roles.read"],
                ..App::new()
            },
            Step::Unlock,
            "administrator role or scopes",
        ),
        (
            App {
                role: Some(Role::HelpDesk),
                ..App::new()
            },
            Step::SetPassword,
            "administrator role or scopes",
        ),
    ] {
        let world = World::with_app(app).await;
        let sent = world.act(step, "alice@example.com").await;
        let Sent::Refused(failure) = sent else {
            panic!("{sent:?}")
        };
        assert_eq!(failure.class, FailureClass::NeedsConfig);
        assert!(failure.public.contains(words), "{}", failure.public);
    }
    let world = World::with_app(App {
        role: Some(Role::NoRoles),
        ..App::new()
    })
    .await;
    let failure = world.okta.probe(&call()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::NeedsConfig);
    assert!(failure.public.contains("okta.roles.read"), "{}", failure.public);
}

#[tokio::test]
async fn a_proof_of_possession_is_given_where_it_is_asked_for_with_the_nonce_that_is_kept() {
    let world = World::with_app(proving(true)).await;
    world.okta.probe(&call()).await.unwrap();
    let first = [
        refused(400, "invalid_dpop_proof"),
        refused(400, "use_dpop_nonce"),
        granted(),
    ];
    assert_eq!(world.grants(), first);
    // Every write and a path with a query: `htu` is without it, which the sandbox checks.
    for (step, account) in [
        (Step::Unlock, "alice@example.com"),
        (Step::SendLink, "bob@example.com"),
        (Step::RevokeSessions, "quinn@example.com"),
    ] {
        assert_eq!(world.act(step, account).await, Sent::Done, "{step:?}");
    }
    assert!(world.find(login("team/oscar@example.com")).await.is_ok());
    assert_eq!(world.grants().len(), 3, "one token served all of it");
    world.sandbox.shared().okta().revoke_access_tokens();
    world.read("bob@example.com").await.unwrap();
    assert_eq!(world.grants()[3..], [granted()], "the nonce was kept");
    world.sandbox.shared().okta().revoke_access_tokens();
    world.sandbox.shared().okta().rotate_nonce();
    world.read("bob@example.com").await.unwrap();
    assert_eq!(
        world.grants()[4..],
        [refused(400, "use_dpop_nonce"), granted()],
        "another nonce is taken over"
    );
}

#[tokio::test]
async fn an_organisation_that_begins_to_demand_proofs_gets_them() {
    let world = World::with_app(App::new()).await;
    world.read("bob@example.com").await.unwrap();
    assert_eq!(world.grants(), [granted()]);
    world.sandbox.set_quirk(Quirk::DpopRequired, true);
    world.sandbox.shared().okta().revoke_access_tokens();
    assert_eq!(world.act(Step::Unlock, "alice@example.com").await, Sent::Done);
    let later = [
        refused(400, "invalid_dpop_proof"),
        refused(400, "use_dpop_nonce"),
        granted(),
    ];
    assert_eq!(world.grants()[1..], later);
}

#[tokio::test]
async fn a_nonce_that_is_asked_for_and_not_given_ends_it() {
    let world = World::with_app(proving(true)).await;
    let again = FaultKind::Status {
        status: 400,
        body: Some(r#"{"error": "use_dpop_nonce"}"#.into()),
    };
    world.sandbox.inject(Fault::always("POST", TOKEN, again));
    let failure = world.okta.probe(&call()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::NeedsConfig, "{failure:?}");
    assert_eq!(world.grants().len(), 1);
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_and_not_taken_for_a_wrong_key() {
    for (dpop, ahead, words) in [
        (false, 600_000, "s behind Okta's"),
        (true, 600_000, "s behind Okta's"),
        (false, -7_200_000, "s ahead of Okta's"),
    ] {
        let world = World::with_app(proving(dpop)).await;
        world.sandbox.advance(ahead);
        let failure = world.okta.probe(&call()).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::NeedsConfig, "{failure:?}");
        assert!(failure.public.contains(words), "{}", failure.public);
    }
}

#[tokio::test]
async fn trouble_at_the_token_endpoint_means_that_nothing_was_sent() {
    let limited = FaultKind::RateLimited {
        limit: 60,
        reset_seconds: 7,
    };
    for (fault, class) in [
        (FaultKind::ReplyLostAfterCommit, FailureClass::Transient(None)),
        (FaultKind::ErrorApplied, FailureClass::Transient(None)),
        (FaultKind::Unavailable, FailureClass::Transient(None)),
        (FaultKind::MalformedJson, FailureClass::Unknown),
        (limited, FailureClass::RateLimited(Duration::ZERO)),
    ] {
        let world = World::with_app(App::new()).await;
        world.sandbox.inject_once("POST", TOKEN, fault.clone());
        let sent = world.act(Step::Unlock, "alice@example.com").await;
        let Sent::NotSent(failure) = sent else {
            panic!("{fault:?}: {sent:?}")
        };
        let same = std::mem::discriminant(&failure.class) == std::mem::discriminant(&class);
        assert!(same, "{fault:?}: {failure:?}");
        assert_eq!(world.calls().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn an_app_is_nobodys_account_and_known_in_the_log_by_its_client_id() {
    let scopes = vec!["okta.users.manage", "okta.roles.read", "okta.logs.read"];
    let world = World::with_app(App {
        asked: scopes.clone(),
        granted: scopes,
        ..App::new()
    })
    .await;
    let account = world.read("quinn@example.com").await.unwrap();
    assert_eq!(
        (account.protection, account.lock),
        (Protection::None, LockState::NotLocked)
    );
    let judy = world.read("judy@example.com").await.unwrap();
    assert!(
        matches!(judy.protection, Protection::Protected(_)),
        "administrators are protected all the same"
    );
    let before = Timestamp::now() - SignedDuration::from_secs(5);
    let bob = world.target("bob@example.com");
    assert!(!world.okta.link_sent_since(&call(), &bob, before).await);
    assert_eq!(world.act(Step::SendLink, "bob@example.com").await, Sent::Done);
    assert!(world.okta.link_sent_since(&call(), &bob, before).await);
    assert!(
        world.calls().iter().all(|entry| !entry.path.ends_with("/me")),
        "an app has no own user"
    );
}
