//! Finding and reading accounts.

use crate::world::{World, call, email, id, login};
use readmit::{
    api::common::AccountSelector,
    directory::Directory,
    domain::account::{AccountRead, FailureClass, LockState, Protection, ReadFailure, Step},
};
use sandbox::{Fault, FaultKind, Quirk, SeedUser, Status};
use serde_json::json;

fn named(found: &Result<AccountRead, ReadFailure>) -> Result<&str, &ReadFailure> {
    found
        .as_ref()
        .map(|account| account.login.as_deref().unwrap_or_default())
}

/// Each selector finds the account with this login, or none.
async fn check(world: &World, cases: &[(AccountSelector, Result<&str, ReadFailure>)]) {
    for (key, expected) in cases {
        let found = world.find(key.clone()).await;
        assert_eq!(named(&found), expected.as_ref().map(|login| *login), "{key:?}");
    }
}

fn user(login: &str, email: &str, status: Status) -> SeedUser {
    SeedUser {
        email: Some(email.into()),
        ..SeedUser::new(login, status, Some("Correct-Horse-7"))
    }
}

#[tokio::test]
async fn logins_find_their_account_without_regard_to_case() {
    let world = World::start().await;
    check(
        &world,
        &[
            (login("alice@example.com"), Ok("alice@example.com")),
            (login("ALICE@Example.com"), Ok("alice@example.com")),
            (login("nobody@example.com"), Err(ReadFailure::NotFound)),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_short_name_is_not_a_login() {
    let world = World::start().await;
    check(
        &world,
        &[
            (login("alice"), Err(ReadFailure::NotFound)),
            (id("alice"), Err(ReadFailure::NotFound)),
        ],
    )
    .await;
    let as_login = |entry: &sandbox::Entry| entry.query.contains("profile.login");
    assert!(world.calls().iter().any(as_login), "{:#?}", world.calls());
}

/// Whatever led to it: an answer about somebody else is nobody.
#[tokio::test]
async fn what_comes_back_is_compared_with_what_was_asked() {
    let world = World::start().await;
    let bob = world.id("bob@example.com");
    let url = format!("{}/api/v1/users/{bob}", world.sandbox.addresses().http);
    let request = reqwest::Client::new()
        .get(url)
        .header("authorization", format!("SSWS {}", sandbox::ADMIN_TOKEN))
        .header("user-agent", crate::world::SOMEBODY);
    let body = request.send().await.unwrap().text().await.unwrap();
    let alice = world.id("alice@example.com");
    for (place, key) in [
        ("alice@example.com", login("alice@example.com")),
        (alice.as_str(), id(&alice)),
    ] {
        let other = FaultKind::Status {
            status: 200,
            body: Some(body.clone()),
        };
        world
            .sandbox
            .inject_once("GET", &format!("/api/v1/users/{place}"), other);
        assert_eq!(world.find(key.clone()).await, Err(ReadFailure::NotFound), "{place}");
        assert!(world.find(key).await.is_ok(), "{place}");
    }
}

#[tokio::test]
async fn an_id_is_not_a_login_and_a_login_not_an_id() {
    let world = World::start().await;
    let alice = world.id("alice@example.com");
    check(
        &world,
        &[
            (id(&alice), Ok("alice@example.com")),
            (login(&alice), Err(ReadFailure::NotFound)),
            (id("alice@example.com"), Err(ReadFailure::NotFound)),
            (id("00u00000000000000000"), Err(ReadFailure::NotFound)),
            (id(&alice.to_lowercase()), Err(ReadFailure::NotFound)),
        ],
    )
    .await;
}

#[tokio::test]
async fn me_is_nobody() {
    let world = World::start().await;
    check(
        &world,
        &[
            (login("me"), Err(ReadFailure::NotFound)),
            (id("me"), Err(ReadFailure::NotFound)),
        ],
    )
    .await;
    let as_login = |entry: &sandbox::Entry| entry.query.contains("profile.login");
    assert!(
        world.calls().iter().any(as_login),
        "a login is not looked up by path: {:#?}",
        world.calls()
    );
}

#[tokio::test]
async fn a_relaxed_login_that_looks_like_an_id_or_me_finds_its_own_account() {
    let world = World::start().await;
    world.sandbox.set_quirk(Quirk::RelaxedLogin, true);
    let alice = world.id("alice@example.com");
    for name in ["me", "bob", &alice] {
        world
            .sandbox
            .seed([user(name, &format!("{name}@relaxed.example"), Status::LockedOut)])
            .unwrap();
        check(&world, &[(login(name), Ok(name))]).await;
    }
    check(&world, &[(id(&alice), Ok("alice@example.com"))]).await;
}

#[tokio::test]
async fn a_login_that_no_path_can_hold_is_found_by_filter() {
    let world = World::start().await;
    check(
        &world,
        &[
            (login("team/oscar@example.com"), Ok("team/oscar@example.com")),
            (login("TEAM/oscar@example.com"), Ok("team/oscar@example.com")),
            (login("per%cent@example.com"), Ok("per%cent@example.com")),
            (login("team%2foscar@example.com"), Err(ReadFailure::NotFound)),
        ],
    )
    .await;
}

#[tokio::test]
async fn hostile_values_stay_values() {
    let world = World::start().await;
    for text in [
        "x\" or status eq \"ACTIVE",
        "alice@example.com\" or profile.login eq \"bob@example.com",
        "\\\" or status eq \\\"ACTIVE",
        "alice@example.com?expand=x",
        "alice@example.com#",
        "../../logs",
        "..",
        ".",
        "alice@example.com/lifecycle/unlock",
        "alice@example.com%00",
        "alice@example.com&limit=200",
        "a\u{0}b",
        "a\r\nX-Header: b",
        &"x".repeat(256),
    ] {
        for key in [login(text), email(text), id(text)] {
            assert_eq!(world.find(key.clone()).await, Err(ReadFailure::NotFound), "{key:?}");
        }
    }
}

#[tokio::test]
async fn emails_are_found_whatever_their_case_and_several_are_ambiguous() {
    let world = World::start().await;
    world
        .sandbox
        .seed([
            user("zoe@example.com", "Zoe@Mail.example", Status::Active),
            user("zed@example.com", "zed@mail.example", Status::Active),
            user("zed-2@example.com", "ZED@mail.example", Status::Active),
            user("gone@example.com", "left@mail.example", Status::Deprovisioned),
            user("back@example.com", "left@mail.example", Status::Active),
        ])
        .unwrap();
    check(
        &world,
        &[
            (email("bob@example.com"), Ok("bob@example.com")),
            (email("zoe@mail.example"), Ok("zoe@example.com")),
            (email("nina@example.com"), Err(ReadFailure::Ambiguous)),
            (email("zed@mail.example"), Err(ReadFailure::Ambiguous)),
            (email("left@mail.example"), Err(ReadFailure::Ambiguous)),
            (email("nobody@example.com"), Err(ReadFailure::NotFound)),
        ],
    )
    .await;
}

#[tokio::test]
async fn exactly_one_member_selects() {
    let world = World::start().await;
    let both = AccountSelector {
        email: Some("bob@example.com".into()),
        ..login("bob@example.com")
    };
    let none = AccountSelector {
        login: None,
        ..login("")
    };
    for key in [both, none] {
        let found = world.find(key).await;
        assert!(matches!(found, Err(ReadFailure::Failed(f)) if f.class == FailureClass::Permanent));
    }
    assert!(world.calls().is_empty());
}

#[tokio::test]
async fn a_list_that_goes_on_elsewhere_is_not_followed() {
    let world = World::start().await;
    let away = FaultKind::ForeignNextLink {
        host: "elsewhere.example".into(),
    };
    world.sandbox.inject(Fault::always("GET", "/api/v1/users", away));
    let found = world.find(email("bob@example.com")).await;
    assert!(matches!(found, Err(ReadFailure::Failed(f)) if f.class == FailureClass::NeedsConfig));
}

/// Status, lock, disabled, must change, foreign source, steps with an obstacle.
type Facts<'a> = (&'a str, bool, bool, bool, Option<&'a str>, &'a [Step]);

#[tokio::test]
async fn each_state_is_read_as_its_facts() {
    const ALL: &[Step] = &[Step::Unlock, Step::SetPassword, Step::SendLink, Step::RequireChange];
    const NO_UNLOCK: &[Step] = &[Step::SetPassword, Step::SendLink, Step::RequireChange];
    let world = World::start().await;
    let table: &[Facts] = &[
        ("alice", true, false, false, None, &[]),
        ("bob", false, false, false, None, &[]),
        ("carol", false, false, true, None, &[]),
        ("dora", false, true, false, None, NO_UNLOCK),
        ("erin", false, false, false, None, &[Step::SendLink]),
        ("frank", false, true, false, None, NO_UNLOCK),
        ("grace", false, false, false, None, &[]),
        ("heidi", false, false, false, None, &[Step::SendLink]),
        ("ivan", true, false, false, None, &[]),
        ("ken", true, false, false, Some("ACTIVE_DIRECTORY"), ALL),
        ("lena", true, false, false, Some("LDAP"), ALL),
        ("mike", false, false, false, Some("FEDERATION"), NO_UNLOCK),
        ("quinn", false, false, false, None, &[]),
        ("sybil", false, false, false, Some("SOCIAL"), NO_UNLOCK),
    ];
    for (name, locked, disabled, must_change, foreign, steps) in table {
        let account = world.read(&format!("{name}@example.com")).await.unwrap();
        assert_eq!(
            matches!(account.lock, LockState::Locked(_)),
            *locked,
            "{name}: {:?}",
            account.lock
        );
        assert_eq!(matches!(account.lock, LockState::NotLocked), !*locked, "{name}");
        assert_eq!(
            (account.disabled, account.must_change),
            (Some(*disabled), Some(*must_change)),
            "{name}"
        );
        assert_eq!(account.foreign_source.as_deref(), *foreign, "{name}");
        assert_eq!(account.obstacles.into_keys().collect::<Vec<_>>(), *steps, "{name}");
    }
}

#[tokio::test]
async fn an_active_account_with_a_blocked_device_is_locked() {
    let world = World::start().await;
    let LockState::Locked(lock) = world.read("ivan@example.com").await.unwrap().lock else {
        panic!("not locked");
    };
    assert_eq!(lock.scope.as_deref(), Some("unknown devices"));
}

#[tokio::test]
async fn blocks_that_the_read_leaves_out_are_read_apart() {
    let world = World::start().await;
    let ivan = world.id("ivan@example.com");
    let path = format!("/api/v1/users/{ivan}");
    let bare = json!({
        "id": ivan, "status": "ACTIVE", "profile": {"login": "ivan@example.com"},
        "credentials": {"provider": {"type": "OKTA"}},
    });
    let kind = FaultKind::Status {
        status: 200,
        body: Some(bare.to_string()),
    };
    world.sandbox.inject(Fault::always("GET", &path, kind));
    assert!(matches!(
        world.read("ivan@example.com").await.unwrap().lock,
        LockState::Locked(_)
    ));
    let forbidden = FaultKind::Status {
        status: 403,
        body: Some(json!({"errorCode": "E0000006"}).to_string()),
    };
    world
        .sandbox
        .inject(Fault::always("GET", &format!("{path}/blocks"), forbidden));
    let lock = world.read("ivan@example.com").await.unwrap().lock;
    assert!(
        matches!(lock, LockState::Unknown(_)),
        "a missing right is never NotLocked: {lock:?}"
    );
}

#[tokio::test]
async fn an_account_in_transition_is_read_again_later() {
    let world = World::start().await;
    let read = world.read("peggy@example.com").await;
    assert!(matches!(&read, Err(ReadFailure::Failed(f)) if matches!(f.class, FailureClass::Transient(Some(_)))));
    world.sandbox.advance(10_000);
    assert!(world.read("peggy@example.com").await.is_ok());
}

#[tokio::test]
async fn a_new_lock_has_a_new_stamp() {
    let world = World::start().await;
    let first = world.read("alice@example.com").await.unwrap().lock_stamp.unwrap();
    assert_eq!(
        world.read("alice@example.com").await.unwrap().lock_stamp.as_ref(),
        Some(&first)
    );
    world.act(Step::Unlock, "alice@example.com").await;
    assert_eq!(world.read("alice@example.com").await.unwrap().lock_stamp, None);
    world.sandbox.lock("alice@example.com").unwrap();
    assert_ne!(world.read("alice@example.com").await.unwrap().lock_stamp, Some(first));
}

#[tokio::test]
async fn profiles_and_groups_are_read_for_policies() {
    let world = World::start().await;
    let alice = world.read("alice@example.com").await.unwrap();
    assert_eq!(alice.profile["countryCode"], "DE");
    let mut groups = world.read("victor@example.com").await.unwrap().groups.unwrap();
    groups.sort();
    assert_eq!(groups, ["Everyone", "Executives"]);
}

#[tokio::test]
async fn groups_that_nobody_asks_for_are_not_read() {
    let world = World::start().await;
    let url = world.sandbox.addresses().http.clone();
    let timeout = std::time::Duration::from_secs(3);
    let okta = crate::world::connect(&url, sandbox::ADMIN_TOKEN, None, timeout, false).unwrap();
    let account = okta.read(&call(), &world.target("victor@example.com")).await.unwrap();
    assert!(account.groups.is_err());
    assert!(world.calls().iter().all(|entry| !entry.path.ends_with("/groups")));
}

#[tokio::test]
async fn administrators_and_the_operators_own_account_are_protected() {
    let world = World::start().await;
    for (name, protected) in [("alice", false), ("judy", true), ("trent", true), ("operator", true)] {
        let account = world.read(&format!("{name}@example.com")).await.unwrap();
        assert_eq!(
            matches!(account.protection, Protection::Protected(_)),
            protected,
            "{name}"
        );
        assert_eq!(matches!(account.protection, Protection::None), !protected, "{name}");
    }
}
