//! The client's secret and its tokens.

use crate::lab::{call, lab, provider, server, spec, target};
use readmit::{
    directory::{Directory, keycloak::Keycloak},
    domain::account::{Failure, FailureClass},
};
use serde_json::json;
use std::time::Duration;
use testkit::{keycloak::CLIENT, wait};

/// How often the operator asked a realm for a token, and was answered so.
fn grants(realm: &str, status: u16) -> usize {
    let calls = server().map(|server| server.calls(&format!("/realms/{realm}/protocol/openid-connect/token")));
    calls.into_iter().flatten().filter(|call| call.status == status).count()
}

#[test]
fn one_token_serves_many_calls_and_is_renewed_once_where_it_is_refused() {
    let Some(lab) = lab("tokens", &json!({})) else { return };
    let id = lab.person("ada", &json!({}));
    lab.run(async {
        let (call, target) = (call(), target(&id));
        let read = || lab.directory.read(&call, &target);
        let (a, b, c) = tokio::join!(read(), read(), lab.directory.probe(&call));
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
    });
    assert_eq!(grants(lab.realm, 200), 1, "one at a time asks, the others wait for it");
    // The realm's administrator revokes all tokens that were handed out before now: before this second, as tokens have it.
    let issued = jiff::Timestamp::now().as_second();
    let later = || Some(jiff::Timestamp::now().as_second()).filter(|now| *now > issued);
    let now = wait::until("the next second", Duration::from_secs(2), later).expect("time passes");
    lab.admin("PUT", "", Some(&json!({"notBefore": now})));
    lab.read(&id);
    let refused = lab
        .server
        .calls(&id)
        .into_iter()
        .filter(|call| call.status == 401)
        .count();
    assert!(refused > 0, "the old token was refused");
    let renewed = grants(lab.realm, 200);
    assert!((2..=3).contains(&renewed), "{renewed} tokens");
    lab.read(&id);
    assert_eq!(grants(lab.realm, 200), renewed);
}

#[test]
fn a_wrong_secret_is_sent_once() {
    let Some(lab) = lab("wrong", &json!({})) else { return };
    let wrong = provider(&spec(lab.server, lab.realm), lab.server, "another");
    let fails = |directory: &Keycloak| -> Failure { lab.run(directory.probe(&call())).expect_err("refused") };
    for _ in 0..3 {
        assert_eq!(fails(&wrong).class, FailureClass::CredentialRefused);
    }
    assert_eq!((grants(lab.realm, 401), grants(lab.realm, 200)), (1, 0));
}

/// What is not the secret's fault is tried again once an administrator changed it.
#[test]
fn a_client_or_a_realm_that_does_not_fit_is_a_fault_of_the_configuration() {
    let Some(lab) = lab("misfit", &json!({})) else { return };
    let mut public = spec(lab.server, lab.realm);
    public.client_id = "app".into();
    let mut elsewhere = spec(lab.server, "not-there");
    elsewhere.client_id = CLIENT.into();
    let mut below = spec(lab.server, lab.realm);
    below.url = format!("{}/auth", lab.server.tls_url());
    for (spec, words) in [
        (public, "is public"),
        (elsewhere, "no such realm"),
        (below, "check the Directory's url"),
    ] {
        let failure = lab
            .run(provider(&spec, lab.server, CLIENT).probe(&call()))
            .expect_err("not ready");
        assert_eq!(failure.class, FailureClass::NeedsConfig, "{failure:?}");
        assert!(failure.public.contains(words), "{}", failure.public);
    }
}

#[test]
fn a_server_that_is_not_trusted_is_told_nothing() {
    let Some(lab) = lab("untrusted", &json!({})) else {
        return;
    };
    let secret = readmit::secret::Secret::new(testkit::keycloak::secret(CLIENT));
    let throttle = readmit::directory::throttle::Throttle::new(60_000, 20);
    let spec = spec(lab.server, lab.realm);
    let directory = Keycloak::new(&spec, secret, None, throttle, crate::lab::TIMEOUT, false).expect("settings");
    let failure = lab.run(directory.probe(&call())).expect_err("not trusted");
    assert_eq!(failure.class, FailureClass::NeedsConfig);
    assert!(
        failure.public.contains("certificate is not trusted"),
        "{}",
        failure.public
    );
    assert_eq!(grants(lab.realm, 200), 0);
}
