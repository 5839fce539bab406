//! Updates, passwords, mails, sessions and sign-ins.

use reqwest::Method;
use sandbox::{Options, PageOutcome, Quirk, SEED_PASSWORD, SignIn, Status, fingerprint};
use serde_json::{Value, json};

use crate::client::Fixture;

pub(crate) const NEW: &str = "Fresh-Water-9";

pub(crate) fn set(password: &str) -> Option<Value> {
    Some(json!({"credentials": {"password": {"value": password}}}))
}

pub(crate) fn rename(login: &str) -> Option<Value> {
    Some(json!({"profile": {"login": login}}))
}

#[tokio::test]
async fn a_set_password_is_the_one_that_signs_in() {
    let fixture = Fixture::start().await;
    let answer = fixture.call(Method::POST, "/api/v1/users/bob", set(NEW)).await;
    assert_eq!(answer.status, 200);
    assert!(
        !answer.body.expect("a user").to_string().contains(NEW),
        "a password came back"
    );
    assert_eq!(
        fixture.sandbox.sign_in("bob@example.com", SEED_PASSWORD, None),
        SignIn::WrongCredentials
    );
    assert!(matches!(
        fixture.sandbox.sign_in("bob@example.com", NEW, None),
        SignIn::Success { .. }
    ));
    let truth = fixture.sandbox.truth();
    assert_eq!(truth[0].values_of("password"), [fingerprint(NEW)]);
    assert_eq!(truth[0].body_fields, ["credentials.password.value"]);
    assert!(!format!("{truth:?}").contains(NEW), "a password is in the truth log");
}

#[tokio::test]
async fn weak_passwords_and_history_are_refused() {
    let fixture = Fixture::start().await;
    for weak in [
        "short1A",
        "alllowercase1",
        "ALLUPPERCASE1",
        "NoDigitsHere",
        "Bob-Builder-1",
    ] {
        let answer = fixture.call(Method::POST, "/api/v1/users/bob", set(weak)).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "E0000080"), "{weak}");
        assert!(
            answer.at("/errorCauses/0/errorSummary").is_string(),
            "{weak} has no cause"
        );
    }
    let again = |target| fixture.call(Method::POST, target, set(SEED_PASSWORD));
    assert_eq!(again("/api/v1/users/bob?strict=true").await.code(), "E0000080");
    assert_eq!(again("/api/v1/users/bob").await.status, 200);
}

#[tokio::test]
async fn a_login_changes_once_and_stays_unique() {
    let fixture = Fixture::start().await;
    let id = fixture.sandbox.account("bob@example.com").expect("bob").id;
    let target = format!("/api/v1/users/{id}");
    for _ in 0..2 {
        let answer = fixture.call(Method::POST, &target, rename("robert@example.com")).await;
        assert_eq!(
            (answer.status, answer.at("/profile/login")),
            (200, json!("robert@example.com"))
        );
    }
    assert_eq!(fixture.get("/api/v1/users/bob@example.com").await.status, 404);
    for bad in [
        "alice@example.com",
        "ALICE@EXAMPLE.COM",
        "not-a-mail",
        &format!("{}@x.example", "a".repeat(100)),
    ] {
        let answer = fixture.wrong(Method::POST, &target, rename(bad)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "E0000001"), "{bad}");
        assert!(
            answer
                .at("/errorCauses/0/errorSummary")
                .as_str()
                .is_some_and(|cause| cause.starts_with("login:")),
            "{bad}"
        );
    }
    let changes: Vec<_> = fixture
        .sandbox
        .truth()
        .iter()
        .flat_map(|e| e.values_of("profile.login"))
        .collect();
    assert_eq!(changes, ["robert@example.com"]);
}

#[tokio::test]
async fn a_deactivated_profile_is_silently_left_alone() {
    let fixture = Fixture::start().await;
    let target = "/api/v1/users/dora@example.com";
    let answer = fixture.call(Method::POST, target, rename("dora2@example.com")).await;
    assert_eq!(
        (answer.status, answer.at("/profile/login")),
        (200, json!("dora@example.com"))
    );
    fixture.sandbox.set_quirk(Quirk::EditDeprovisioned, true);
    let answer = fixture.call(Method::POST, target, rename("dora2@example.com")).await;
    assert_eq!(answer.at("/profile/login"), "dora2@example.com");
}

#[tokio::test]
async fn a_stale_etag_is_refused_and_replacement_erases() {
    let fixture = Fixture::start().await;
    let etag = fixture.get("/api/v1/users/alice").await.header("etag").to_owned();
    let update = |tag: String| {
        let request = fixture
            .http
            .post(fixture.address("/api/v1/users/alice"))
            .header("if-match", tag);
        request
            .header("authorization", format!("SSWS {}", fixture.token))
            .json(&json!({"profile": {"city": "Ulm"}}))
            .send()
    };
    assert_eq!(update(etag.clone()).await.expect("an answer").status(), 200);
    assert_eq!(update(etag).await.expect("an answer").status(), 412);
    let full = json!({"profile": {"login": "alice@example.com", "email": "alice@example.com", "firstName": "A", "lastName": "B"}});
    let replaced = fixture.call(Method::PUT, "/api/v1/users/alice", Some(full)).await;
    assert_eq!(
        (
            replaced.status,
            replaced.at("/profile/city"),
            replaced.at("/profile/department")
        ),
        (200, Value::Null, Value::Null)
    );
    let partial = fixture
        .call(
            Method::PUT,
            "/api/v1/users/alice",
            Some(json!({"profile": {"city": "Ulm"}})),
        )
        .await;
    assert_eq!(partial.code(), "E0000001");
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let fixture = Fixture::start().await;
    let send = |content_type: &'static str, accept: &'static str, body: &'static str| {
        let request = fixture
            .http
            .post(fixture.address("/api/v1/users/bob"))
            .header("accept", accept)
            .body(body);
        let request = request.header("authorization", format!("SSWS {}", fixture.token));
        if content_type.is_empty() {
            request.send()
        } else {
            request.header("content-type", content_type).send()
        }
    };
    let json = "application/json";
    for (content_type, accept, body, code) in [
        (json, json, "{", "E0000003"),
        (json, json, r#"{"profile": []}"#, "E0000003"),
        (json, json, r#"{"profile": {"favouriteColour": "red"}}"#, "E0000001"),
        ("text/plain", json, "{}", "E0000021"),
        ("", json, "{}", "E0000018"),
        (json, "text/html", "{}", "E0000019"),
    ] {
        let answer = send(content_type, accept, body).await.expect("an answer");
        assert_eq!(answer.status(), 400, "{body}");
        let shape: Value = answer.json().await.expect("JSON");
        assert_eq!(shape["errorCode"], code, "{content_type} {accept} {body}");
    }
    let answer = fixture
        .wrong(Method::POST, "/api/v1/users/bob/lifecycle/reset_password", None)
        .await;
    assert_eq!(answer.code(), "E0000001", "sendEmail is required");
    let answer = fixture.wrong(Method::PATCH, "/api/v1/users/bob", None).await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "E0000022"));
    let answer = fixture.wrong(Method::GET, "/api/v2/users", None).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "E0000008"));
}

#[tokio::test]
async fn a_reset_link_works_once_and_the_newest_only() {
    let fixture = Fixture::start().await;
    for _ in 0..2 {
        let answer = fixture
            .post("/api/v1/users/alice/lifecycle/reset_password?sendEmail=true")
            .await;
        assert_eq!((answer.status, answer.body), (200, Some(json!({}))));
    }
    let links: Vec<String> = fixture
        .sandbox
        .mails()
        .into_iter()
        .filter_map(|mail| mail.link)
        .collect();
    assert_eq!(links.len(), 2);
    assert_eq!(
        fixture.sandbox.sign_in("alice@example.com", SEED_PASSWORD, None),
        SignIn::Refused {
            status: Status::Recovery
        }
    );
    assert_eq!(fixture.sandbox.use_link(&links[0], NEW), PageOutcome::LinkDead);
    assert!(matches!(
        fixture.sandbox.use_link(&links[1], "weak"),
        PageOutcome::NewPasswordRefused { .. }
    ));
    assert_eq!(fixture.sandbox.use_link(&links[1], NEW), PageOutcome::PasswordSet);
    assert_eq!(fixture.sandbox.use_link(&links[1], NEW), PageOutcome::LinkDead);
    assert!(matches!(
        fixture.sandbox.sign_in("alice@example.com", NEW, None),
        SignIn::Success { .. }
    ));
}

#[tokio::test]
async fn a_link_that_was_not_mailed_leads_to_a_page() {
    let fixture = Fixture::start().await;
    let answer = fixture
        .post("/api/v1/users/bob/lifecycle/reset_password?sendEmail=false&revokeSessions=true")
        .await;
    let address = answer.at("/resetPasswordUrl").as_str().expect("a link").to_owned();
    assert!(fixture.sandbox.mails().is_empty());
    assert!(
        fixture
            .sandbox
            .account("bob@example.com")
            .expect("bob")
            .sessions
            .is_empty()
    );
    let page = fixture.http.get(&address).send().await.expect("the page");
    assert!(page.text().await.expect("text").contains("<form"));
    let sent = fixture
        .http
        .post(&address)
        .form(&[("newPassword", NEW)])
        .send()
        .await
        .expect("an answer");
    assert_eq!(sent.status(), 200);
    assert!(matches!(
        fixture.sandbox.sign_in("bob@example.com", NEW, None),
        SignIn::Success { .. }
    ));
    fixture
        .post("/api/v1/users/bob/lifecycle/reset_password?sendEmail=true")
        .await;
    fixture.sandbox.advance(3_601_000);
    let link = fixture.sandbox.mails()[0].link.clone().expect("a link");
    assert_eq!(
        fixture.sandbox.use_link(&link, "Another-Water-9"),
        PageOutcome::LinkDead,
        "links grow old"
    );
}

#[tokio::test]
async fn the_federation_key_converts_and_a_plain_reset_converts_back() {
    let fixture = Fixture::start().await;
    let target = "/api/v1/users/bob/lifecycle/reset_password?sendEmail=true";
    let answer = fixture
        .wrong(Method::POST, &format!("{target}&provider=FEDERATION"), None)
        .await;
    assert_eq!(answer.status, 200);
    let shown = fixture.get("/api/v1/users/bob").await;
    assert_eq!(
        (
            shown.at("/credentials/provider/type"),
            shown.at("/credentials/password")
        ),
        (json!("FEDERATION"), Value::Null)
    );
    fixture.post(target).await;
    let shown = fixture.get("/api/v1/users/bob").await;
    assert_eq!(
        (shown.at("/credentials/provider/type"), shown.at("/status")),
        (json!("OKTA"), json!("RECOVERY"))
    );
}

#[tokio::test]
async fn a_temporary_password_forces_a_change() {
    let fixture = Fixture::start().await;
    let target = "/api/v1/users/bob/lifecycle/expire_password_with_temp_password?revokeSessions=true";
    let first = fixture
        .post(target)
        .await
        .at("/tempPassword")
        .as_str()
        .expect("a password")
        .to_owned();
    let second = fixture
        .post(target)
        .await
        .at("/tempPassword")
        .as_str()
        .expect("a password")
        .to_owned();
    let sign_in = |password: &str, new: Option<&str>| fixture.sandbox.sign_in("bob@example.com", password, new);
    assert_eq!(sign_in(&first, None), SignIn::WrongCredentials);
    assert_eq!(sign_in(&second, None), SignIn::PasswordExpired);
    assert!(matches!(
        sign_in(&second, Some("weak")),
        SignIn::NewPasswordRefused { .. }
    ));
    assert!(matches!(sign_in(&second, Some(NEW)), SignIn::Success { .. }));
    let bob = fixture.sandbox.account("bob@example.com").expect("bob");
    assert_eq!(
        (bob.status, bob.sessions.len(), bob.password),
        (Status::Active, 1, Some(fingerprint(NEW)))
    );
    let effective: Vec<_> = fixture
        .sandbox
        .truth()
        .iter()
        .flat_map(|entry| entry.values_of("password"))
        .collect();
    assert_eq!(effective, [fingerprint(&first), fingerprint(&second), fingerprint(NEW)]);
}

#[tokio::test]
async fn sessions_are_cleared_with_tokens_and_devices() {
    let fixture = Fixture::start().await;
    let id = fixture.sandbox.account("bob@example.com").expect("bob").id;
    let target = format!("/api/v1/users/{id}/sessions");
    let answer = fixture
        .call(Method::DELETE, &format!("{target}?forgetDevices=false"), None)
        .await;
    let bob = fixture.sandbox.account(&id).expect("bob");
    assert_eq!(
        (
            answer.status,
            bob.sessions.len(),
            bob.oauth_tokens,
            bob.known_devices.len()
        ),
        (204, 0, 1, 1)
    );
    assert_eq!(
        fixture
            .call(Method::DELETE, &format!("{target}?oauthTokens=true"), None)
            .await
            .status,
        204
    );
    let bob = fixture.sandbox.account(&id).expect("bob");
    assert_eq!((bob.oauth_tokens, bob.known_devices.len()), (0, 0));
    assert_eq!(
        fixture
            .call(Method::DELETE, "/api/v1/users/bob@example.com/sessions", None)
            .await
            .status,
        404,
        "ids only"
    );
    fixture.sandbox.set_quirk(Quirk::ClearSessions404WhenNone, true);
    assert_eq!(fixture.call(Method::DELETE, &target, None).await.status, 404);
}

#[tokio::test]
async fn wrong_sign_ins_lock_and_the_lock_ends_as_configured() {
    let mut options = Options::default();
    options.settings.lockout.seconds = Some(60);
    let fixture = Fixture::with(options).await;
    let sign_in = |password: &str| fixture.sandbox.sign_in("bob@example.com", password, None);
    for _ in 0..4 {
        assert_eq!(sign_in("wrong"), SignIn::WrongCredentials);
    }
    assert_eq!(sign_in("wrong"), SignIn::LockedOut);
    assert_eq!(
        sign_in(SEED_PASSWORD),
        SignIn::LockedOut,
        "the right password does not help"
    );
    assert_eq!(fixture.get("/api/v1/users/bob").await.at("/status"), "LOCKED_OUT");
    fixture.sandbox.advance(60_000);
    assert_eq!(fixture.get("/api/v1/users/bob").await.at("/status"), "ACTIVE");
    assert!(matches!(sign_in(SEED_PASSWORD), SignIn::Success { .. }));
}

#[tokio::test]
async fn device_lockout_leaves_the_account_active() {
    let fixture = Fixture::start().await;
    fixture.sandbox.set_quirk(Quirk::DeviceLockout, true);
    for _ in 0..5 {
        fixture.sandbox.sign_in_on("bob@example.com", "wrong", "cafe", None);
    }
    let shown = fixture.get("/api/v1/users/bob?expand=blocks").await;
    assert_eq!(
        (shown.at("/status"), shown.at("/_embedded/blocks/0/appliesTo")),
        (json!("ACTIVE"), json!("UNKNOWN_DEVICES"))
    );
    assert_eq!(
        fixture
            .sandbox
            .sign_in_on("bob@example.com", SEED_PASSWORD, "cafe", None),
        SignIn::DeviceBlocked
    );
    assert!(matches!(
        fixture.sandbox.sign_in("bob@example.com", SEED_PASSWORD, None),
        SignIn::Success { .. }
    ));
}
