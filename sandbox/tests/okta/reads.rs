//! Finding and reading: by id, login and short name; filter, search and q; pages; blocks, groups, roles.

use reqwest::Method;
use sandbox::{NO_ROLES_TOKEN, Options, Quirk, SeedUser, Status};
use serde_json::{Value, json};

use crate::client::{Answer, Fixture};

fn logins(answer: &Answer) -> Vec<String> {
    let rows = answer
        .body
        .as_ref()
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    rows.iter()
        .map(|row| row["profile"]["login"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn query(name: &str, expression: &str) -> String {
    let mut parameters = form_urlencoded::Serializer::new(String::new());
    parameters.append_pair(name, expression);
    format!("/api/v1/users?{}", parameters.finish())
}

#[tokio::test]
async fn a_user_is_found_by_id_login_and_short_name() {
    let fixture = Fixture::start().await;
    let id = fixture.sandbox.account("alice@example.com").expect("alice").id;
    for key in [
        id.as_str(),
        "alice@example.com",
        "alice%40example.com",
        "ALICE@example.com",
        "alice",
    ] {
        let answer = fixture.get(&format!("/api/v1/users/{key}")).await;
        assert_eq!((answer.status, answer.at("/id")), (200, json!(id)), "{key}");
        assert!(answer.headers.contains_key("etag"), "{key} has no ETag");
    }
    for (key, status, code) in [
        ("nobody@example.com", 404, "E0000007"),
        ("team%2Foscar@example.com", 404, "E0000008"),
        ("per%25cent@example.com", 200, ""),
        ("%00", 404, "E0000007"),
    ] {
        let answer = fixture.wrong(Method::GET, &format!("/api/v1/users/{key}"), None).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{key}");
    }
    fixture.sandbox.set_quirk(Quirk::LoginWithSlash, false);
    assert_eq!(
        fixture
            .wrong(Method::GET, "/api/v1/users/team%2Foscar@example.com", None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_short_name_that_two_users_have_finds_nobody() {
    let fixture = Fixture::start().await;
    fixture
        .sandbox
        .seed([SeedUser::new("alice@example.net", Status::Active, None)])
        .expect("seeded");
    assert_eq!(fixture.get("/api/v1/users/alice").await.status, 404);
}

#[tokio::test]
async fn blocks_come_alone_and_embedded() {
    let fixture = Fixture::start().await;
    let embedded = fixture.get("/api/v1/users/ivan@example.com?expand=blocks").await;
    let alone = fixture.get("/api/v1/users/ivan@example.com/blocks").await;
    let expected = json!([{"type": "DEVICE_BASED", "appliesTo": "UNKNOWN_DEVICES"}]);
    assert_eq!(
        (embedded.at("/_embedded/blocks"), embedded.at("/status")),
        (expected.clone(), json!("ACTIVE"))
    );
    assert_eq!(alone.body, Some(expected));
    assert_eq!(
        fixture
            .post("/api/v1/users/ivan@example.com/lifecycle/unlock")
            .await
            .status,
        200
    );
    assert_eq!(
        fixture.get("/api/v1/users/ivan@example.com/blocks").await.body,
        Some(json!([]))
    );
}

#[tokio::test]
async fn expressions_select() {
    let fixture = Fixture::start().await;
    for (name, expression, expected) in [
        ("filter", r#"status eq "SUSPENDED""#, vec!["frank@example.com"]),
        (
            "filter",
            r#"profile.login eq "alice@example.com""#,
            vec!["alice@example.com"],
        ),
        ("filter", r#"profile.login eq "ALICE@example.com""#, vec![]),
        (
            "search",
            r#"profile.login eq "ALICE@example.com""#,
            vec!["alice@example.com"],
        ),
        (
            "search",
            r#"profile.login eq "team/oscar@example.com""#,
            vec!["team/oscar@example.com"],
        ),
        (
            "filter",
            r#"profile.email eq "nina@example.com""#,
            vec!["nina@example.com", "nina-admin@example.com"],
        ),
        ("search", r#"profile.department eq "sales""#, vec!["alice@example.com"]),
        ("filter", r#"status eq "DEPROVISIONED""#, vec!["dora@example.com"]),
        (
            "search",
            r#"status eq "DEPROVISIONED" or profile.login sw "erin""#,
            vec!["dora@example.com", "erin@example.com"],
        ),
        (
            "search",
            r#"profile.login eq "a\" or status pr or profile.login eq \"b""#,
            vec![],
        ),
        ("q", "ali", vec!["alice@example.com"]),
        ("q", "dora", vec![]),
    ] {
        let answer = fixture.get(&query(name, expression)).await;
        assert_eq!(
            (answer.status, logins(&answer)),
            (200, expected.into_iter().map(str::to_owned).collect()),
            "{expression}"
        );
    }
    for (target, code) in [
        (query("filter", r#"profile.city eq "Ulm""#), "E0000031"),
        (query("search", "profile.login eq alice"), "E0000031"),
        (format!("{}&q=x", query("filter", r#"status eq "ACTIVE""#)), "E0000033"),
        ("/api/v1/users?limit=none".to_owned(), "E0000001"),
        ("/api/v1/users?after=%21".to_owned(), "E0000001"),
    ] {
        let answer = fixture.get(&target).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{target}");
    }
}

#[tokio::test]
async fn pages_follow_next_links_to_the_end() {
    let users = sandbox::seed::numbered(25, Status::LockedOut).collect::<Vec<_>>();
    let fixture = Fixture::start().await;
    fixture.sandbox.seed(users).expect("seeded");
    let mut target = format!("{}&limit=10", query("filter", r#"status eq "LOCKED_OUT""#));
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = fixture.get(&target).await;
        let relations = page
            .headers
            .get_all("link")
            .iter()
            .filter(|l| l.to_str().unwrap_or("").contains("self"))
            .count();
        assert_eq!(relations, 1, "each page has a self link of its own");
        sizes.push(logins(&page).len());
        seen.extend(logins(&page));
        match page.next() {
            Some(next) => target = next,
            None => break,
        }
    }
    let locked = fixture
        .sandbox
        .accounts()
        .into_iter()
        .filter(|account| account.status == Status::LockedOut);
    assert_eq!(seen, locked.map(|account| account.login).collect::<Vec<_>>());
    assert_eq!(sizes[0], 10);
    assert!(sizes.len() > 3, "{sizes:?}");
}

#[tokio::test]
async fn plain_lists_leave_deactivated_users_out_and_their_links_lie() {
    let fixture = Fixture::start().await;
    let list = fixture.get("/api/v1/users").await;
    assert!(!logins(&list).contains(&"dora@example.com".to_owned()));
    let rows = list.body.as_ref().and_then(Value::as_array).expect("a list");
    let row = |login: &str| {
        rows.iter()
            .find(|row| row["profile"]["login"] == login)
            .expect("listed")
            .clone()
    };
    assert!(
        row("alice@example.com")["_links"]["unlock"].is_null(),
        "a locked user's link is left out"
    );
    assert!(
        !row("frank@example.com")["_links"]["unlock"].is_null(),
        "a suspended user's link is offered"
    );
    let single = fixture.get("/api/v1/users/alice").await;
    assert!(single.at("/_links/unlock/href").is_string());
}

#[tokio::test]
async fn search_lags_and_single_reads_do_not() {
    let mut options = Options::default();
    options.settings.search_lag_ms = 5000;
    let fixture = Fixture::with(options).await;
    fixture.post("/api/v1/users/alice/lifecycle/unlock").await;
    let status = r#"profile.login eq "alice@example.com""#;
    assert_eq!(fixture.get("/api/v1/users/alice").await.at("/status"), "ACTIVE");
    assert_eq!(fixture.get(&query("filter", status)).await.at("/0/status"), "ACTIVE");
    assert_eq!(
        fixture.get(&query("search", status)).await.at("/0/status"),
        "LOCKED_OUT"
    );
    fixture.sandbox.advance(5001);
    assert_eq!(fixture.get(&query("search", status)).await.at("/0/status"), "ACTIVE");
}

#[tokio::test]
async fn groups_roles_assignees_organisation_and_me() {
    let fixture = Fixture::start().await;
    let groups = fixture.get("/api/v1/users/victor/groups").await;
    assert_eq!(groups.at("/0/profile/name"), "Executives");
    let roles = fixture.get("/api/v1/users/judy/roles").await;
    assert_eq!(
        (roles.at("/0/type"), roles.at("/0/label")),
        (json!("SUPER_ADMIN"), json!("Super Admin"))
    );
    assert_eq!(fixture.get("/api/v1/users/alice/roles").await.body, Some(json!([])));
    let first = fixture.get("/api/v1/iam/assignees/users?limit=2").await;
    let next = first.at("/_links/next/href");
    let second = fixture.get(next.as_str().expect("more role holders")).await;
    assert_eq!(first.at("/value").as_array().map(Vec::len), Some(2));
    assert_eq!(
        (second.at("/value").as_array().map(Vec::len), second.at("/_links")),
        (Some(1), Value::Null)
    );
    let organisation = fixture
        .call_as("", Method::GET, "/.well-known/okta-organization", None)
        .await;
    assert!(
        organisation
            .at("/id")
            .as_str()
            .is_some_and(|id| id.starts_with("00o") && id.len() == 20)
    );
    assert_eq!(
        fixture.get("/api/v1/users/me").await.at("/profile/login"),
        "operator@example.com"
    );
    let refused = fixture
        .call_as(NO_ROLES_TOKEN, Method::GET, "/api/v1/users/judy/roles", None)
        .await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "E0000006"));
}

#[tokio::test]
async fn ids_are_the_same_at_every_start() {
    let (one, two) = (Fixture::start().await, Fixture::start().await);
    let ids = |fixture: &Fixture| fixture.sandbox.accounts().into_iter().map(|a| a.id).collect::<Vec<_>>();
    assert_eq!(ids(&one), ids(&two));
    assert!(ids(&one).iter().all(|id| id.len() == 20 && id.starts_with("00u")));
}
