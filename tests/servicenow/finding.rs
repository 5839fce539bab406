//! Finding and reading accounts.

use crate::world::{World, call, email, failed, id, login};
use readmit::directory::Directory;
use readmit::domain::account::{FailureClass, LockState, Protection, ReadFailure, Step};
use sandbox::servicenow::{Quirk, User};

#[tokio::test]
async fn an_account_is_found_by_login_email_and_sys_id() {
    let world = World::start().await;
    let by_login = world.find(login("ada.byte")).await.unwrap();
    let by_email = world.find(email("ada.byte@example.com")).await.unwrap();
    let by_id = world.find(id(&world.user("ada.byte")["sys_id"])).await.unwrap();
    assert_eq!((&by_login, &by_login), (&by_email, &by_id));
    assert!(matches!(by_login.lock, LockState::Locked(_)), "{by_login:?}");
    assert_eq!((by_login.disabled, by_login.must_change), (Some(false), Some(false)));
    assert_eq!(by_login.profile["country"], "DE");
    assert_eq!(by_login.protection, Protection::None);
}

#[tokio::test]
async fn facts_are_separate() {
    let world = World::start().await;
    let carol = world.find(login("carol.shaw")).await.unwrap();
    assert_eq!((carol.lock, carol.must_change), (LockState::NotLocked, Some(true)));
    world.instance().set_quirk(Quirk::InactiveHidden, false);
    let dora = world.find(login("dora.left")).await.unwrap();
    assert_eq!(dora.disabled, Some(true));
    assert!(matches!(dora.lock, LockState::Locked(_)));
}

#[tokio::test]
async fn an_inactive_account_that_is_hidden_is_not_found() {
    let world = World::start().await;
    assert_eq!(world.find(login("dora.left")).await, Err(ReadFailure::NotFound));
}

#[tokio::test]
async fn somebody_of_another_domain_looks_absent_and_that_is_said() {
    let world = World::with(&[Quirk::DomainsApart]).await;
    let instance = world.instance();
    instance
        .change(
            "bob.ross",
            &[("sys_domain", "Subsidiary"), ("email", "ada.byte@example.com")],
        )
        .unwrap();
    let bob = world.user("bob.ross")["sys_id"].clone();
    for key in [login("bob.ross"), id(&bob)] {
        assert_eq!(world.find(key).await, Err(ReadFailure::NotFound));
    }
    // Not even the count tells: an address that only one may be seen of is taken for that one's.
    assert!(world.find(email("ada.byte@example.com")).await.is_ok());
    let hides = world
        .directory
        .probe(&call())
        .await
        .unwrap()
        .capabilities
        .hides
        .unwrap();
    assert!(hides.contains("other domains") && hides.contains("inactive"), "{hides}");
    instance.set_quirk(Quirk::DomainsApart, false);
    assert!(world.find(login("bob.ross")).await.is_ok());
}

#[tokio::test]
async fn values_that_could_break_out_of_the_query_are_refused_unsent() {
    let world = World::start().await;
    for value in [
        "ada.byte^ORactive=true",
        "javascript:gs.getUserName()",
        "ada%5EORactive=true",
        "ada byte",
        "ada*",
        "ada.byte\n",
        "ädä",
    ] {
        for key in [login(value), email(value)] {
            assert_eq!(world.find(key).await, Err(ReadFailure::NotFound), "{value}");
        }
        assert_eq!(world.find(id(value)).await, Err(ReadFailure::NotFound), "{value}");
    }
    assert!(world.calls().is_empty());
}

#[tokio::test]
async fn a_condition_that_was_not_heeded_finds_nobody() {
    let world = World::start().await;
    let others = r#"{"result":[{"sys_id":"0a1b2c3d4e5f60718293a4b5c6d7e8f9","user_name":"somebody"}]}"#;
    let two = r#"{"result":[{"sys_id":"0a1b2c3d4e5f60718293a4b5c6d7e8f9","user_name":"a"},{"sys_id":"1a1b2c3d4e5f60718293a4b5c6d7e8f9","user_name":"b"}]}"#;
    for (body, expected) in [(others, None), (two, Some(FailureClass::Unknown))] {
        let server = crate::faults::answering(200, "application/json", body).await;
        let found = server.find(login("ada.byte")).await;
        assert_eq!(failed(&found), expected, "{found:?}");
        assert!(found.is_err());
    }
    drop(world);
}

#[tokio::test]
async fn exactly_one_must_match_and_two_are_asked_for() {
    let world = World::start().await;
    assert_eq!(world.find(email("nina@example.com")).await, Err(ReadFailure::Ambiguous));
    assert_eq!(world.find(login("nobody.here")).await, Err(ReadFailure::NotFound));
    let asked = |entry: &sandbox::Entry| entry.query.contains("sysparm_limit=2");
    assert!(world.calls().iter().all(asked), "{:#?}", world.calls());
}

#[tokio::test]
async fn a_match_that_is_hidden_makes_an_address_ambiguous() {
    let world = World::start().await;
    let shadow = User {
        email: "bob.ross@example.com".into(),
        inactive: true,
        ..User::new("bob.before")
    };
    world.instance().add(&shadow);
    assert_eq!(
        world.find(email("bob.ross@example.com")).await,
        Err(ReadFailure::Ambiguous)
    );
}

#[tokio::test]
async fn names_are_compared_without_case_and_to_the_end() {
    let world = World::start().await;
    assert!(world.find(login("ADA.Byte")).await.is_ok());
    assert_eq!(world.find(login("ada.byt")).await, Err(ReadFailure::NotFound));
}

#[tokio::test]
async fn references_are_understood_in_either_shape() {
    for stays in [false, true] {
        let world = World::start().await;
        world.instance().set_quirk(Quirk::ReferenceStaysObject, stays);
        let frank = world.find(login("frank.root")).await.unwrap();
        assert!(matches!(frank.protection, Protection::Protected(_)), "{frank:?}");
    }
}

#[tokio::test]
async fn an_imported_account_can_be_unlocked_and_has_no_password_here() {
    let world = World::start().await;
    let erin = world.find(login("erin.ldap")).await.unwrap();
    assert_eq!(erin.foreign_source.as_deref(), Some("LDAP"));
    assert_eq!(
        erin.obstacles.keys().collect::<Vec<_>>(),
        [&Step::SetPassword, &Step::RequireChange]
    );
}

#[tokio::test]
async fn groups_are_followed_upwards() {
    let world = World::start().await;
    let heidi = world.find(login("heidi.group")).await.unwrap();
    assert_eq!(heidi.groups, Ok(vec!["Berlin desk".to_owned(), "Desk".to_owned()]));
    assert_eq!(world.find(login("bob.ross")).await.unwrap().groups, Ok(Vec::new()));
}

/// Every page of the locked accounts, and how many pages that were.
async fn listed(world: &World) -> (Vec<String>, usize) {
    let (mut logins, mut pages, mut page) = (Vec::new(), 0, None);
    loop {
        let found = world.directory.locked(&call(), page.as_deref()).await.unwrap();
        pages += 1;
        for account in found.accounts {
            assert!(matches!(account.lock, LockState::Locked(_)) && account.disabled == Some(false));
            logins.extend(account.login);
        }
        page = found.next;
        if page.is_none() {
            return (logins, pages);
        }
    }
}

#[tokio::test]
async fn locked_accounts_are_listed_page_by_page_and_each_once() {
    let world = World::start().await;
    let (few, pages) = listed(&world).await;
    assert_eq!((few.len(), pages), (4, 1), "{few:?}");
    assert!(!few.contains(&"dora.left".to_owned()), "inactive");
    for number in 0..450 {
        world.instance().add(&User::locked(&format!("many.{number}")));
    }
    let (mut all, pages) = listed(&world).await;
    all.sort_unstable();
    all.dedup();
    assert_eq!((all.len(), pages), (454, 3));
}

#[tokio::test]
async fn a_list_that_did_not_heed_its_condition_is_not_believed() {
    let free = r#"{"result":[{"sys_id":"0a1b2c3d4e5f60718293a4b5c6d7e8f9","locked_out":"false","active":"true"}]}"#;
    let server = crate::faults::answering(200, "application/json", free).await;
    let listed = server.directory.locked(&call(), None).await;
    assert!(matches!(listed, Err(ReadFailure::Failed(_))), "{listed:?}");
    let world = World::start().await;
    let listed = world.directory.locked(&call(), Some("x^ORactive=true")).await;
    assert!(matches!(listed, Err(ReadFailure::Failed(_))), "{listed:?}");
    assert!(world.calls().is_empty());
}
