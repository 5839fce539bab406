//! Signing in: discovery, hosts that are trusted, both ways with an access key, renewal; and that a refused key is sent
//! once.

use crate::world::{BOB, World, by_area, by_login, call, connect, connect_with, failed, spec};
use readmit::{
    api::provider::ClientAuthentication,
    directory::{Directory, cxone::Cxone},
    domain::account::{FailureClass, Sent},
};
use sandbox::{
    FaultKind,
    cxone::{ACCESS_KEY_SECRET, CLIENT_SECRET, OPERATOR, Quirk},
};

async fn find(directory: &Cxone) -> Option<FailureClass> {
    failed(&directory.find(&call(), &by_login(BOB)).await)
}

#[tokio::test]
async fn an_application_signs_in_once_for_many_calls() {
    let world = World::start().await;
    for _ in 0..5 {
        assert_eq!(find(&world.directory).await, None);
    }
    assert_eq!(world.calls_to("/auth/token").len(), 1);
    assert_eq!(world.calls_to("/openid-configuration").len(), 1);
    assert_eq!(world.calls_to("/cxone-configuration").len(), 1);
}

/// Ids and secrets have characters that mean something in a form and before a colon; the sandbox's own have.
#[tokio::test]
async fn both_ways_of_sending_the_client_secret_encode_it() {
    let world = World::start().await;
    assert_eq!(
        find(&connect(&spec(&world.sandbox)).unwrap()).await,
        None,
        "in the header"
    );
    let mut posted = spec(&world.sandbox);
    posted.client_authentication = ClientAuthentication::Post;
    world.tenant().set_quirk(Quirk::ClientSecretBasicOnly, false);
    world.tenant().set_quirk(Quirk::ClientSecretPostOnly, true);
    assert_eq!(find(&connect(&posted).unwrap()).await, None);
    assert_eq!(
        find(&world.directory).await,
        Some(FailureClass::CredentialRefused),
        "the header is not looked at now"
    );
}

#[tokio::test]
async fn an_access_key_alone_signs_in_at_its_area() {
    let world = World::start().await;
    let directory = connect(&by_area(&world.sandbox)).unwrap();
    assert_eq!(find(&directory).await, None);
    assert_eq!(world.calls_to("/token/access-key").len(), 1);
    assert!(world.calls_to("/auth/token").is_empty());
}

#[tokio::test]
async fn the_api_that_the_spec_names_is_used() {
    let world = World::with(&[Quirk::ForeignApiEndpoint]).await;
    let mut spec = spec(&world.sandbox);
    spec.api_url = Some(world.sandbox.addresses().cxone.clone());
    assert_eq!(find(&connect(&spec).unwrap()).await, None);
    assert!(world.calls_to("/cxone-configuration").is_empty());
}

#[tokio::test]
async fn no_token_goes_to_a_foreign_host() {
    for quirk in [Quirk::ForeignTokenEndpoint, Quirk::ForeignApiEndpoint] {
        let world = World::with(&[quirk]).await;
        assert_eq!(
            find(&world.directory).await,
            Some(FailureClass::NeedsConfig),
            "{quirk:?}"
        );
        let tokens = world.calls_to("/auth/token").len();
        assert_eq!(tokens, usize::from(quirk == Quirk::ForeignApiEndpoint), "{quirk:?}");
        assert!(world.calls_to("/agents").is_empty());
    }
}

#[tokio::test]
async fn a_refused_key_or_client_is_sent_once() {
    for (key, client) in [("wrong", CLIENT_SECRET), (ACCESS_KEY_SECRET, "wrong")] {
        for quirks in [&[][..], &[Quirk::ErrorDescriptionCamel]] {
            let world = World::with(quirks).await;
            let wrong = connect_with(&spec(&world.sandbox), key, client).unwrap();
            for _ in 0..5 {
                assert_eq!(find(&wrong).await, Some(FailureClass::CredentialRefused));
            }
            assert_eq!(world.calls_to("/auth/token").len(), 1);
            let sent = wrong.revoke_sessions(&call(), &world.target(BOB)).await;
            assert!(matches!(sent, Sent::NotSent(why) if why.class == FailureClass::CredentialRefused));
        }
    }
    let world = World::start().await;
    let wrong = connect_with(&by_area(&world.sandbox), "wrong", "").unwrap();
    for _ in 0..5 {
        assert_eq!(find(&wrong).await, Some(FailureClass::CredentialRefused));
    }
    assert_eq!(world.calls_to("/token/access-key").len(), 1);
}

#[tokio::test]
async fn many_at_once_try_a_wrong_key_once() {
    let world = World::start().await;
    let wrong = connect_with(&spec(&world.sandbox), "wrong", CLIENT_SECRET).unwrap();
    let all = futures::future::join_all((0..8).map(|_| find(&wrong))).await;
    assert!(
        all.into_iter()
            .all(|class| class == Some(FailureClass::CredentialRefused))
    );
    assert_eq!(world.calls_to("/auth/token").len(), 1);
}

#[tokio::test]
async fn a_token_that_ran_out_is_renewed_by_the_refresh_token() {
    for area in [false, true] {
        let world = World::start().await;
        let spec = if area {
            by_area(&world.sandbox)
        } else {
            spec(&world.sandbox)
        };
        let directory = connect(&spec).unwrap();
        // Good for less than the time before its end at which it is renewed.
        world.tenant().configure(|settings| settings.token_seconds = 20);
        for _ in 0..3 {
            assert_eq!(find(&directory).await, None);
        }
        let grants = |end: &str| world.calls_to(end).len();
        match area {
            true => {
                assert_eq!(grants("/token/access-key"), 1);
                assert!(grants("/public/user/refresh") >= 2);
            }
            false => assert!(grants("/auth/token") >= 3),
        }
        assert_eq!(grants("/cxone-configuration"), 1, "the tenant stays");
    }
}

#[tokio::test]
async fn a_refresh_token_that_is_refused_leads_to_the_access_key() {
    for area in [false, true] {
        let world = World::with(&[Quirk::RefreshRefused]).await;
        let spec = if area {
            by_area(&world.sandbox)
        } else {
            spec(&world.sandbox)
        };
        let directory = connect(&spec).unwrap();
        world.tenant().configure(|settings| settings.token_seconds = 20);
        for _ in 0..2 {
            assert_eq!(find(&directory).await, None);
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_taken_any_more_is_renewed_once() {
    let world = World::start().await;
    assert_eq!(find(&world.directory).await, None);
    world.tenant().revoke_tokens();
    assert_eq!(find(&world.directory).await, None);
    let refused = world.calls().iter().filter(|entry| entry.status == Some(401)).count();
    assert_eq!(refused, 1);
    // Refused though it is new: the application is not authorised.
    let always = sandbox::Fault::always(
        "GET",
        "*/agents",
        FaultKind::Status {
            status: 401,
            body: None,
        },
    );
    world.sandbox.inject(always);
    for _ in 0..4 {
        assert_eq!(find(&world.directory).await, Some(FailureClass::CredentialRefused));
    }
    let refused = world.calls().iter().filter(|entry| entry.status == Some(401)).count();
    assert_eq!(refused, 3, "once, and once more with a new token");
}

#[tokio::test]
async fn a_locked_owner_is_told_as_the_credential() {
    let world = World::start().await;
    world.tenant().lock(OPERATOR).unwrap();
    assert_eq!(find(&world.directory).await, Some(FailureClass::CredentialRefused));
}

#[tokio::test]
async fn a_wrong_sign_in_host_is_a_setting() {
    let world = World::start().await;
    for fault in [
        FaultKind::Status {
            status: 404,
            body: None,
        },
        FaultKind::Status {
            status: 200,
            body: Some("<html>".into()),
        },
        FaultKind::Redirect {
            location: "https://elsewhere.example/".into(),
        },
    ] {
        world.sandbox.inject_once("GET", "*/openid-configuration", fault);
        assert_eq!(find(&world.directory).await, Some(FailureClass::NeedsConfig));
    }
    assert_eq!(find(&world.directory).await, None, "no credential was sent before");
}

#[tokio::test]
async fn trouble_while_signing_in_was_no_call() {
    let world = World::start().await;
    for fault in [
        FaultKind::Unavailable,
        FaultKind::ReplyLostAfterCommit,
        FaultKind::RateLimited {
            limit: 1,
            reset_seconds: 1,
        },
    ] {
        world.sandbox.inject_once("POST", "/auth/token", fault);
        let sent = world.directory.revoke_sessions(&call(), &world.target(BOB)).await;
        assert!(matches!(sent, Sent::NotSent(_)), "{sent:?}");
    }
    assert!(world.calls_to("/logout").is_empty());
}

#[tokio::test]
async fn half_a_credential_is_refused_before_anything_is_sent() {
    let world = World::start().await;
    let mut both = spec(&world.sandbox);
    both.area_url = by_area(&world.sandbox).area_url;
    let mut neither = by_area(&world.sandbox);
    neither.area_url = None;
    for spec in [both, neither] {
        assert_eq!(
            connect(&spec).err().map(|why| why.class),
            Some(FailureClass::NeedsConfig)
        );
    }
    for url in [
        "http://cxone.niceincontact.com",
        "https://u:p@cxone.niceincontact.com",
        "cxone",
    ] {
        let mut bad = spec(&world.sandbox);
        bad.url = url.into();
        assert!(connect(&bad).is_err(), "{url}");
    }
}

/// The token endpoint is said to misbehave over HTTP/2: in the first message of TLS (RFC 7301) that is not offered.
#[tokio::test]
async fn nothing_but_http_1_1_is_offered() {
    use tokio::io::AsyncReadExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = World::start().await;
    let mut spec = spec(&world.sandbox);
    spec.url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let directory = connect(&spec).unwrap();
    let hello = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = vec![0; 4096];
        let read = stream.read(&mut hello).await.unwrap();
        hello.truncate(read);
        hello
    });
    assert!(find(&directory).await.is_some());
    let hello = hello.await.unwrap();
    let holds = |part: &[u8]| hello.windows(part.len()).any(|window| window == part);
    assert_eq!(hello[0], 0x16, "a handshake");
    assert!(holds(b"localhost") && !holds(b"\x02h2"), "HTTP/2 is offered");
}
