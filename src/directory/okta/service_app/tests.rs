//! What the token endpoint's answers mean.

use super::*;
use crate::directory::okta::jose::SigningKey;

fn app() -> ServiceApp {
    ServiceApp {
        client_id: "0oa1".into(),
        key: SigningKey::generate().unwrap(),
        scopes: "okta.users.manage okta.roles.read".into(),
        prover: Prover::new().unwrap(),
        place: Mutex::default(),
    }
}

fn said(status: u16, nonce: Option<&str>, ahead: i64) -> Said {
    Said {
        status,
        nonce: nonce.map(str::to_owned),
        ahead: Some(SignedDuration::from_secs(ahead)),
        wait: Duration::from_secs(7),
    }
}

fn refusal(error: &str, code: &str) -> Refused {
    Refused {
        error: error.into(),
        error_code: code.into(),
    }
}

fn granted(kind: &str, seconds: u64) -> Granted {
    Granted {
        access_token: "s3cret".into(),
        token_type: kind.into(),
        expires_in: Some(seconds),
    }
}

#[test]
fn refusals_are_classified() {
    use FailureClass::{CredentialRefused, NeedsConfig, RateLimited, Transient};
    for (error, code, status, ahead, class, words) in [
        (
            "invalid_client",
            "",
            401,
            0,
            CredentialRefused,
            "client id or private key",
        ),
        (
            "invalid_client",
            "",
            401,
            59,
            CredentialRefused,
            "client id or private key",
        ),
        ("invalid_client", "", 401, 61, NeedsConfig, "61 s behind Okta's"),
        ("invalid_client", "", 401, -7200, NeedsConfig, "7200 s ahead of Okta's"),
        (
            "invalid_scope",
            "",
            400,
            0,
            NeedsConfig,
            "okta.users.manage okta.roles.read",
        ),
        ("use_dpop_nonce", "", 400, 0, NeedsConfig, "DPoP"),
        ("unauthorized_client", "", 400, 0, NeedsConfig, "API Services app"),
        (
            "",
            "E0000047",
            429,
            0,
            RateLimited(Duration::from_secs(7)),
            "rate limit",
        ),
        ("", "", 503, 0, Transient(None), "broken"),
        ("", "", 401, 0, CredentialRefused, "credential"),
        ("", "", 404, 0, NeedsConfig, "url"),
    ] {
        let (app, mut place) = (app(), Place::default());
        match app.judge(&mut place, &refusal(error, code), said(status, None, ahead)) {
            Next::Failed(failure) => {
                assert_eq!(failure.class, class, "{error} {status} {ahead}");
                assert!(failure.public.contains(words), "{error}: {}", failure.public);
                let now = Instant::now();
                let remembered = place.usable(None, now).is_err();
                assert_eq!(
                    remembered,
                    class == NeedsConfig,
                    "what an administrator must mend is not asked at once again"
                );
                assert!(place.usable(None, now + REMEMBERED).is_ok());
            }
            Next::Again => panic!("{error} is asked again"),
        }
    }
}

#[test]
fn a_proof_is_added_once_and_each_new_nonce_is_taken_over() {
    let (app, mut place) = (app(), Place::default());
    let endpoint = Url::parse("https://example.okta.com/oauth2/v1/token").unwrap();
    let now = Timestamp::now();
    assert!(
        app.token_proof(&place, &endpoint, now).unwrap().is_none(),
        "none unless it is asked for"
    );
    let again = |next| matches!(next, Next::Again);
    let (bare, nonce) = (refusal("invalid_dpop_proof", ""), refusal("use_dpop_nonce", ""));
    assert!(again(app.judge(&mut place, &bare, said(400, None, 0))));
    assert!(app.token_proof(&place, &endpoint, now).unwrap().is_some());
    assert!(again(app.judge(&mut place, &nonce, said(400, Some("a"), 0))));
    assert!(again(app.judge(&mut place, &nonce, said(400, Some("b"), 0))));
    assert_eq!(place.nonce.as_deref(), Some("b"));
    assert!(
        !again(app.judge(&mut place, &nonce, said(400, Some("b"), 0))),
        "the same one again leads nowhere"
    );
    assert!(
        !again(app.judge(&mut place, &bare, said(400, None, 0))),
        "the proof itself is refused"
    );
}

#[test]
fn a_token_is_good_for_four_fifths_of_its_life_and_never_the_refused_one() {
    let (asked, mut place) = (Instant::now(), Place::default());
    let token = place.keep(granted("Bearer", 100), asked).unwrap();
    assert_eq!(token.header, "Bearer s3cret");
    assert!(!format!("{:?}", token.header).contains("s3cret"));
    let at = |seconds| asked + Duration::from_secs(seconds);
    assert!(place.usable(None, at(79)).unwrap().is_some());
    assert!(place.usable(None, at(81)).unwrap().is_none());
    assert!(place.usable(Some(&token), at(1)).unwrap().is_none());
}

#[test]
fn a_token_of_another_type_is_not_used() {
    let now = Instant::now();
    for (kind, bound, works) in [
        ("Bearer", false, true),
        ("bearer", true, true),
        ("DPoP", true, true),
        ("DPoP", false, false),
        ("mac", true, false),
    ] {
        let mut place = Place {
            bound,
            ..Place::default()
        };
        assert_eq!(place.keep(granted(kind, 60), now).is_ok(), works, "{kind} {bound}");
    }
    let nothing = Granted {
        access_token: String::new(),
        ..granted("Bearer", 60)
    };
    assert!(Place::default().keep(nothing, now).is_err());
}

#[test]
fn each_assertion_is_for_this_endpoint_and_used_once() {
    use data_encoding::BASE64URL_NOPAD;
    let (app, now) = (app(), Timestamp::from_second(1_772_445_100).unwrap());
    let endpoint = Url::parse("https://example.okta.com/oauth2/v1/token").unwrap();
    let claims = || -> serde_json::Value {
        let form = app.form(&endpoint, now).unwrap();
        let fields: std::collections::HashMap<String, String> = form_urlencoded::parse(&form).into_owned().collect();
        assert_eq!(fields["grant_type"], "client_credentials");
        assert_eq!(fields["scope"], "okta.users.manage okta.roles.read");
        let payload = fields["client_assertion"].split('.').nth(1).unwrap();
        serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
    };
    let (first, second) = (claims(), claims());
    assert_eq!((&first["iss"], &first["sub"]), (&json!("0oa1"), &json!("0oa1")));
    assert_eq!(first["aud"], "https://example.okta.com/oauth2/v1/token");
    assert_eq!(
        (&first["iat"], &first["exp"]),
        (&json!(1_772_445_100), &json!(1_772_445_400))
    );
    assert_ne!(first["jti"], second["jti"]);
}
