//! Rate limits: headers, windows, the token's share, calls in flight.

use futures::future::join_all;
use reqwest::Method;
use sandbox::{Fault, FaultKind, HELP_DESK_TOKEN, Options, Quirk};

use crate::client::{Answer, Fixture};

fn figures(answer: &Answer) -> (u32, u32, i64) {
    let number = |name: &str| {
        answer
            .header(name)
            .parse::<i64>()
            .unwrap_or_else(|_| panic!("{name} is missing"))
    };
    let small = |name: &str| u32::try_from(number(name)).expect("a small figure");
    (
        small("x-rate-limit-limit"),
        small("x-rate-limit-remaining"),
        number("x-rate-limit-reset"),
    )
}

async fn limited(limit: u32, share: u32) -> Fixture {
    let mut options = Options::default();
    options.settings.rate_limits.limits = [("GET /api/v1/users/{id}".to_owned(), limit)].into();
    options.settings.rate_limits.token_share = share;
    Fixture::with(options).await
}

#[tokio::test]
async fn a_bucket_empties_and_fills_again() {
    let fixture = limited(3, 100).await;
    let mut remaining = Vec::new();
    for _ in 0..3 {
        let answer = fixture.get("/api/v1/users/bob").await;
        assert_eq!(answer.status, 200);
        remaining.push(figures(&answer).1);
    }
    assert_eq!(remaining, [2, 1, 0]);
    let refused = fixture.get("/api/v1/users/alice").await;
    let (limit, left, reset) = figures(&refused);
    assert_eq!(
        (refused.status, refused.code().as_str(), limit, left),
        (429, "E0000047", 3, 0)
    );
    let date = jiff::fmt::rfc2822::parse(refused.header("date"))
        .expect("a date")
        .timestamp()
        .as_second();
    assert!(
        (1..=61).contains(&(reset - date)),
        "reset {reset} is not within a minute of {date}"
    );
    assert_eq!(
        fixture.get("/api/v1/users/bob/blocks").await.status,
        200,
        "another path, another bucket"
    );
    fixture.sandbox.advance(60_000);
    assert_eq!(fixture.get("/api/v1/users/bob").await.status, 200);
}

#[tokio::test]
async fn a_token_may_use_half_a_bucket_and_is_not_told() {
    let fixture = limited(10, 50).await;
    for used in 1..=5 {
        assert_eq!(figures(&fixture.get("/api/v1/users/bob").await).1, 10 - used);
    }
    let refused = fixture.get("/api/v1/users/bob").await;
    assert_eq!((refused.status, figures(&refused).0, figures(&refused).1), (429, 10, 0));
    let other = fixture
        .call_as(HELP_DESK_TOKEN, Method::GET, "/api/v1/users/bob", None)
        .await;
    assert_eq!((other.status, figures(&other).1), (200, 4));
    let fixture = limited(10, 50).await;
    fixture.sandbox.set_quirk(Quirk::TokenShareHidden, false);
    assert_eq!(figures(&fixture.get("/api/v1/users/bob").await).0, 5);
    assert_eq!(figures(&fixture.get("/api/v1/users/bob").await).1, 3);
}

#[tokio::test]
async fn every_answer_has_the_figures_even_401_and_404() {
    let fixture = Fixture::start().await;
    for (token, target) in [
        ("wrong", "/api/v1/users/bob"),
        (fixture.token.as_str(), "/api/v1/users/nobody"),
    ] {
        let answer = fixture.call_as(token, Method::GET, target, None).await;
        assert!(figures(&answer).0 > 0, "{target}");
    }
}

#[tokio::test]
async fn too_many_calls_in_flight_are_refused_with_zero_figures() {
    let mut options = Options::default();
    options.settings.rate_limits.concurrency = 3;
    let fixture = Fixture::with(options).await;
    fixture
        .sandbox
        .inject(Fault::always("GET", "*", FaultKind::Latency { ms: 1500 }));
    let answers = join_all((0..6).map(|_| fixture.get("/api/v1/users/bob"))).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(refused.len(), 3);
    for answer in refused {
        let (limit, remaining, _) = figures(answer);
        assert_eq!((limit, remaining, answer.code().as_str()), (0, 0, "E0000047"));
    }
    fixture.sandbox.clear_faults();
    assert_eq!(
        fixture.get("/api/v1/users/bob").await.status,
        200,
        "the calls in flight have ended"
    );
}
