//! What a token may do, and when it dies.

use reqwest::Method;
use sandbox::{HELP_DESK_TOKEN, NO_ROLES_TOKEN, Quirk, READ_ONLY_TOKEN, SUPER_ADMIN_TOKEN};

use crate::client::Fixture;
use crate::writes::{NEW, rename, set};

#[tokio::test]
async fn rights_follow_the_token() {
    let fixture = Fixture::start().await;
    let unlock = "/api/v1/users/alice/lifecycle/unlock";
    let suspend = "/api/v1/users/bob/lifecycle/suspend";
    let admin = "/api/v1/users/judy/lifecycle/unlock";
    for (token, target, body, status, code) in [
        (READ_ONLY_TOKEN, unlock, None, 403, "E0000006"),
        (
            HELP_DESK_TOKEN,
            "/api/v1/users/bob",
            rename("x@example.com"),
            403,
            "E0000006",
        ),
        (HELP_DESK_TOKEN, "/api/v1/users/bob", set(NEW), 403, "E0000006"),
        (HELP_DESK_TOKEN, suspend, None, 403, "E0000006"),
        (HELP_DESK_TOKEN, admin, None, 403, "E0000006"),
        (HELP_DESK_TOKEN, unlock, None, 200, ""),
        (NO_ROLES_TOKEN, suspend, None, 200, ""),
        (SUPER_ADMIN_TOKEN, admin, None, 200, ""),
        ("made-up", unlock, None, 401, "E0000011"),
        ("", unlock, None, 401, "E0000011"),
    ] {
        let answer = fixture.call_as(token, Method::POST, target, body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{token} {target}"
        );
    }
}

#[tokio::test]
async fn tokens_die_by_revocation_disuse_and_their_owners_end() {
    for (how, end) in [
        (
            "revoked",
            (|f: &Fixture| assert!(f.sandbox.revoke_token(&f.token))) as fn(&Fixture),
        ),
        ("disused", |f| f.sandbox.advance(31 * 24 * 3_600_000)),
    ] {
        let fixture = Fixture::start().await;
        assert_eq!(fixture.get("/api/v1/users/bob").await.status, 200);
        end(&fixture);
        assert_eq!(fixture.get("/api/v1/users/bob").await.code(), "E0000011", "{how}");
    }
    let fixture = Fixture::start().await;
    let target = "/api/v1/users/operator@example.com/lifecycle/deactivate";
    assert_eq!(
        fixture
            .call_as(SUPER_ADMIN_TOKEN, Method::POST, target, None)
            .await
            .status,
        200
    );
    assert_eq!(fixture.get("/api/v1/users/bob").await.code(), "E0000011");
}

#[tokio::test]
async fn an_edge_may_answer_401_without_a_body() {
    let fixture = Fixture::start().await;
    fixture.sandbox.set_quirk(Quirk::Empty401, true);
    let answer = fixture
        .http
        .get(fixture.address("/api/v1/users/bob"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.text().await.expect("text"), "");
}

#[tokio::test]
async fn the_callers_own_session_survives_its_own_reset() {
    let fixture = Fixture::start().await;
    let target = "/api/v1/users/operator@example.com/lifecycle/reset_password?sendEmail=true&revokeSessions=true";
    let answer = fixture.call_as(SUPER_ADMIN_TOKEN, Method::POST, target, None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        fixture
            .sandbox
            .account("operator@example.com")
            .expect("operator")
            .sessions
            .len(),
        1
    );
}
