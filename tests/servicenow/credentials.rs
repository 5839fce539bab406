//! Who asks: basic authentication, client credentials and the password grant; and that a refused credential is not tried
//! again.

use crate::world::{World, basic, call, connect, login, secret_ref, spec};
use readmit::{
    api::provider::ServiceNowProvider,
    directory::{Directory, servicenow::ServiceNow},
    domain::account::{Failure, FailureClass, ReadFailure, Sent, Step},
};
use sandbox::servicenow::{OAuthClient, OPERATOR, OPERATOR_PASSWORD, Quirk};
use sandbox::{Fault, FaultKind, Sandbox};

/// A provider by client credentials.
fn client(sandbox: &Sandbox, id: &str, secret: &str) -> ServiceNow {
    let spec = ServiceNowProvider {
        client_id: Some(id.into()),
        client_secret_ref: secret_ref(),
        ..spec(&sandbox.addresses().servicenow)
    };
    connect(&spec, secret, None).unwrap()
}

/// A provider by the password grant.
fn granted(sandbox: &Sandbox, password: &str) -> ServiceNow {
    let spec = ServiceNowProvider {
        username: Some(OPERATOR.into()),
        password_secret_ref: secret_ref(),
        client_id: Some("login-app".into()),
        client_secret_ref: secret_ref(),
        ..spec(&sandbox.addresses().servicenow)
    };
    connect(&spec, password, Some("login-app-secret")).unwrap()
}

fn class(read: Result<readmit::domain::account::AccountRead, ReadFailure>) -> FailureClass {
    match read {
        Err(ReadFailure::Failed(Failure { class, .. })) => class,
        other => panic!("{other:?}"),
    }
}

fn count(world: &World, path: &str) -> usize {
    world.calls().iter().filter(|entry| entry.path == path).count()
}

#[tokio::test]
async fn one_401_stops_until_the_credential_changes() {
    let world = World::start().await;
    let wrong = basic(&world.sandbox, OPERATOR, "wrong");
    for _ in 0..6 {
        assert_eq!(
            class(wrong.find(&call(), &login("ada.byte")).await),
            FailureClass::CredentialRefused
        );
    }
    assert_eq!(world.calls().len(), 1);
    assert_eq!(world.user(OPERATOR)["failed_attempts"], "1", "far from locked");
    let sent = wrong.unlock(&call(), &world.target("ada.byte")).await;
    assert!(matches!(sent, Sent::NotSent(why) if why.class == FailureClass::CredentialRefused));
}

#[tokio::test]
async fn many_at_once_try_a_wrong_password_once() {
    let world = World::start().await;
    let wrong = basic(&world.sandbox, OPERATOR, "wrong");
    let (call, key) = (call(), login("ada.byte"));
    let all = futures::future::join_all((0..8).map(|_| wrong.find(&call, &key))).await;
    assert!(
        all.into_iter()
            .all(|found| class(found) == FailureClass::CredentialRefused)
    );
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test]
async fn a_locked_integration_user_is_told_as_its_credential() {
    let world = World::start().await;
    world.instance().lock(OPERATOR).unwrap();
    assert_eq!(
        class(world.find(login("ada.byte")).await),
        FailureClass::CredentialRefused
    );
}

#[tokio::test]
async fn an_integration_user_that_must_reset_is_told_as_its_credential() {
    let world = World::with(&[Quirk::NeedsResetBlocksApi]).await;
    world
        .instance()
        .change(OPERATOR, &[("password_needs_reset", "true")])
        .unwrap();
    assert_eq!(
        class(world.find(login("ada.byte")).await),
        FailureClass::CredentialRefused
    );
}

#[tokio::test]
async fn a_demand_for_more_factors_is_told() {
    let world = World::with(&[Quirk::MfaDemanded]).await;
    let Err(ReadFailure::Failed(failure)) = world.find(login("ada.byte")).await else {
        panic!("it was let in")
    };
    assert_eq!(failure.class, FailureClass::CredentialRefused);
    assert!(failure.public.contains("multi-factor"), "{}", failure.public);
}

#[tokio::test]
async fn client_credentials_fetch_one_token_and_keep_it() {
    let world = World::start().await;
    let directory = client(&world.sandbox, "app", "app-secret");
    for _ in 0..3 {
        directory.find(&call(), &login("ada.byte")).await.unwrap();
    }
    assert_eq!(count(&world, "/oauth_token.do"), 1);
    assert!(directory.probe(&call()).await.is_ok());
    assert_eq!(directory.unlock(&call(), &world.target("ada.byte")).await, Sent::Done);
}

#[tokio::test]
async fn the_password_grant_sends_all_four() {
    let world = World::start().await;
    let directory = granted(&world.sandbox, OPERATOR_PASSWORD);
    assert!(directory.probe(&call()).await.is_ok());
    assert_eq!(count(&world, "/oauth_token.do"), 1);
}

#[tokio::test]
async fn a_wrong_password_at_the_token_endpoint_is_tried_once() {
    let world = World::start().await;
    let wrong = granted(&world.sandbox, "wrong");
    for _ in 0..6 {
        assert_eq!(
            class(wrong.find(&call(), &login("ada.byte")).await),
            FailureClass::CredentialRefused
        );
    }
    assert_eq!(world.calls().len(), 1);
    assert_eq!(world.user(OPERATOR)["failed_attempts"], "1");
}

#[tokio::test]
async fn refusals_of_the_token_endpoint_say_what_to_do() {
    let world = World::start().await;
    let wrong = client(&world.sandbox, "app", "wrong");
    assert_eq!(
        class(wrong.find(&call(), &login("ada.byte")).await),
        FailureClass::CredentialRefused
    );
    let without_user = client(&world.sandbox, "login-app", "login-app-secret");
    assert_eq!(
        class(without_user.find(&call(), &login("ada.byte")).await),
        FailureClass::NeedsConfig
    );
    world.instance().set_quirk(Quirk::ClientCredentialsOff, true);
    let off = client(&world.sandbox, "app", "app-secret");
    assert_eq!(
        class(off.find(&call(), &login("ada.byte")).await),
        FailureClass::NeedsConfig
    );
}

#[tokio::test]
async fn a_token_is_renewed_shortly_before_its_end() {
    let world = World::start().await;
    // Its last half minute begins at once, and the endpoint gives the same one again while it is good.
    world.instance().configure(|settings| settings.token_seconds = 20);
    let directory = client(&world.sandbox, "app", "app-secret");
    for _ in 0..2 {
        directory.find(&call(), &login("ada.byte")).await.unwrap();
    }
    assert!(count(&world, "/oauth_token.do") >= 2);
    assert!(world.calls().iter().all(|entry| entry.status == Some(200)));
}

#[tokio::test]
async fn a_token_that_died_early_is_renewed_once_and_the_call_sent_again() {
    let world = World::start().await;
    let directory = client(&world.sandbox, "app", "app-secret");
    directory.find(&call(), &login("ada.byte")).await.unwrap();
    world.instance().revoke_tokens();
    assert_eq!(directory.unlock(&call(), &world.target("ada.byte")).await, Sent::Done);
    assert_eq!(count(&world, "/oauth_token.do"), 2);
    let statuses: Vec<_> = world.writes().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Some(401), Some(200)], "the first was not carried out");
}

#[tokio::test]
async fn the_same_token_again_after_a_401_is_a_refusal() {
    let world = World::start().await;
    let directory = client(&world.sandbox, "app", "app-secret");
    directory.find(&call(), &login("ada.byte")).await.unwrap();
    let refused = FaultKind::Status {
        status: 401,
        body: None,
    };
    world.sandbox.inject(Fault::always("GET", "/api/*", refused));
    let before = world.calls().len();
    assert_eq!(
        class(directory.find(&call(), &login("ada.byte")).await),
        FailureClass::CredentialRefused
    );
    assert_eq!(world.calls().len() - before, 2, "one call, one token");
    world.sandbox.clear_faults();
    assert_eq!(
        class(directory.find(&call(), &login("ada.byte")).await),
        FailureClass::CredentialRefused
    );
    assert_eq!(world.calls().len() - before, 2, "and nothing more");
}

#[tokio::test]
async fn an_oauth_client_without_a_name_finds_its_own_user() {
    let world = World::start().await;
    world.instance().add_client(OAuthClient {
        client_id: "other".into(),
        client_secret: "other-secret".into(),
        user: Some(OPERATOR.into()),
    });
    let directory = client(&world.sandbox, "other", "other-secret");
    let own = directory.find(&call(), &login(OPERATOR)).await.unwrap();
    assert!(format!("{:?}", own.protection).contains("operator itself"), "{own:?}");
    world.instance().set_quirk(Quirk::ScriptsEvaluated, false);
    let blind = client(&world.sandbox, "other", "other-secret");
    let failure = blind.probe(&call()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::NeedsConfig, "{failure:?}");
}

#[tokio::test]
async fn session_cookies_are_never_sent_back() {
    let world = World::start().await;
    for step in [Step::Unlock, Step::RequireChange, Step::SetPassword] {
        assert_eq!(world.act(step, "ada.byte").await, Sent::Done, "{step:?}");
    }
    assert!(
        world.calls().iter().all(|entry| entry.status == Some(200)),
        "none was queued"
    );
}

#[test]
fn credentials_that_cannot_be_are_a_fault_of_the_configuration() {
    let base = spec("https://example.service-now.com");
    let named = |username: &str| ServiceNowProvider {
        username: Some(username.into()),
        ..base.clone()
    };
    let http = ServiceNowProvider {
        url: "http://example.service-now.com".into(),
        ..named("readmit")
    };
    for (spec, first, second) in [
        (&base, "secret", None),
        (&named("read:mit"), "secret", None),
        (&named("readmit"), "", None),
        (&named("readmit"), "secret", Some("another")),
        (&http, "secret", None),
    ] {
        let failure = connect(spec, first, second).err().unwrap();
        assert_eq!(failure.class, FailureClass::NeedsConfig, "{failure:?}");
        assert!(!format!("{failure:?}").contains("secret"), "{failure:?}");
    }
    assert!(connect(&named("readmit"), "secret", None).is_ok());
}
