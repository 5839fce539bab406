//! Exactly one person is found, however much alike others are called, and nobody is missed because of rights.

use crate::world::{ADA, BOB, World, by_email, by_hand, by_id, call, failed};
use readmit::{
    api::common::AccountSelector,
    directory::Directory,
    domain::account::{FailureClass, Protection, ReadFailure},
};
use sandbox::cxone::{OPERATOR, Person, Quirk};

#[tokio::test]
async fn a_person_is_found_by_each_key_in_any_letter_case() {
    let world = World::start().await;
    let ada = world.agent(ADA);
    for key in [
        crate::world::by_login("ADA.Byte@example.com"),
        by_email("Ada.byte@EXAMPLE.com"),
        by_id(&ada.agent_id.to_string()),
        by_id(&ada.user_id.to_uppercase()),
    ] {
        let found = world.directory.find(&call(), &key).await.unwrap();
        assert_eq!(found.id, ada.agent_id.to_string(), "{key:?}");
        assert_eq!(found.login.as_deref(), Some(ADA), "{key:?}");
    }
}

#[tokio::test]
async fn a_search_that_matches_parts_finds_only_the_one_who_was_meant() {
    let world = World::start().await;
    let bob = world.find(BOB).await.unwrap();
    assert_eq!(bob.id, world.agent(BOB).agent_id.to_string());
    for part in ["bob.ross", "ross@example.com", "example.com", "b", "*", "%", ""] {
        let key = crate::world::by_login(part);
        assert_eq!(
            world.directory.find(&call(), &key).await,
            Err(ReadFailure::NotFound),
            "{part:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_id_is_not_looked_up() {
    let world = World::start().await;
    for id in ["../users", "100001/logout", "1 OR 1", "", "-1", "99999999999999999999"] {
        let found = world.directory.find(&call(), &by_id(id)).await;
        assert_eq!(found, Err(ReadFailure::NotFound), "{id:?}");
    }
    assert!(world.calls().is_empty());
    let nobody = world.directory.find(&call(), &by_id("999999")).await;
    assert_eq!(nobody, Err(ReadFailure::NotFound));
}

#[tokio::test]
async fn two_people_with_one_address_are_ambiguous() {
    let world = World::start().await;
    for name in ["one@example.com", "two@example.com"] {
        world.tenant().add(&Person {
            email: "shared@example.com".into(),
            ..Person::new(name)
        });
    }
    let found = world.directory.find(&call(), &by_email("shared@example.com")).await;
    assert_eq!(found, Err(ReadFailure::Ambiguous));
}

#[tokio::test]
async fn hidden_agents_are_a_missing_right_and_never_nobody() {
    let world = World::with(&[Quirk::AgentsHidden]).await;
    let hidden = world.tenant().add(&Person::new("hidden.one@example.com"));
    world.tenant().add(&Person::new("shown.one@example.com"));
    let (hidden_name, shown_name) = match hidden % 2 == 1 {
        true => ("hidden.one@example.com", "shown.one@example.com"),
        false => ("shown.one@example.com", "hidden.one@example.com"),
    };
    let found = world.find(hidden_name).await;
    assert_eq!(failed(&found), Some(FailureClass::NeedsConfig), "{found:?}");
    let Err(ReadFailure::Failed(failure)) = found else {
        panic!()
    };
    assert!(
        failure.public.contains("hides 1 agents that could be meant"),
        "{}",
        failure.public
    );
    let id = world.agent(hidden_name).agent_id.to_string();
    let by_id = world.directory.find(&call(), &by_id(&id)).await;
    assert_eq!(failed(&by_id), Some(FailureClass::NeedsConfig), "{by_id:?}");
    // A user name is unique, so that the one who is shown is the one who is meant.
    assert!(world.find(shown_name).await.is_ok());
    // An address is not.
    world.tenant().add(&Person {
        email: "same@example.com".into(),
        ..Person::new("same1@example.com")
    });
    world.tenant().add(&Person {
        email: "same@example.com".into(),
        ..Person::new("same2@example.com")
    });
    let found = world.directory.find(&call(), &by_email("same@example.com")).await;
    assert_eq!(failed(&found), Some(FailureClass::NeedsConfig), "{found:?}");
}

#[tokio::test]
async fn an_empty_list_without_a_body_is_nobody() {
    let world = World::with(&[Quirk::EmptyList204]).await;
    assert_eq!(world.find("nobody@example.com").await, Err(ReadFailure::NotFound));
}

#[tokio::test]
async fn every_page_is_read_however_short_and_no_link_is_followed() {
    for quirks in [
        &[Quirk::SmallPages][..],
        &[Quirk::SmallPages, Quirk::TotalMissing],
        &[Quirk::SmallPages, Quirk::ForeignNextPage],
    ] {
        let world = World::with(quirks).await;
        // Behind several pages of people whose names contain this one.
        for number in 0..5 {
            world.tenant().add(&Person::new(&format!("{number}zoe@example.com")));
        }
        world.tenant().add(&Person::new("zoe@example.com"));
        let found = world.find("zoe@example.com").await.unwrap();
        assert_eq!(found.login.as_deref(), Some("zoe@example.com"), "{quirks:?}");
        let hosts: Vec<String> = world.calls().into_iter().map(|entry| entry.host).collect();
        let own = world.sandbox.addresses().cxone.replace("http://", "");
        assert!(hosts.iter().all(|host| *host == own), "{hosts:?}");
    }
}

#[tokio::test]
async fn spellings_of_ids_do_not_matter() {
    for quirk in [Quirk::AgentIdAsText, Quirk::UserIdSpelling] {
        let world = World::with(&[quirk]).await;
        let ada = world.find(ADA).await.unwrap();
        assert_eq!(ada.id, world.agent(ADA).agent_id.to_string(), "{quirk:?}");
        assert_eq!(ada.protection, Protection::None, "{quirk:?}: UserHub was asked");
        assert_eq!(world.read(ADA).await.unwrap().id, ada.id, "{quirk:?}");
    }
}

#[tokio::test]
async fn administrators_and_the_operator_itself_are_protected() {
    let world = World::start().await;
    for (name, why) in [
        ("frank.root@example.com", "Administrator"),
        (OPERATOR, "operator itself"),
    ] {
        let account = world.find(name).await.unwrap();
        assert!(
            matches!(&account.protection, Protection::Protected(said) if said.contains(why)),
            "{account:?}"
        );
    }
    assert_eq!(world.find(BOB).await.unwrap().protection, Protection::None);
}

#[tokio::test]
async fn roles_that_are_not_shown_count_as_protected() {
    for quirk in [Quirk::RoleMissing, Quirk::UserHubForbidden, Quirk::UserHubAbsent] {
        let world = World::with(&[quirk]).await;
        let bob = world.find(BOB).await.unwrap();
        assert!(matches!(bob.protection, Protection::Unknown(_)), "{quirk:?}: {bob:?}");
        assert!(bob.unreadable.contains(&"roles".to_owned()), "{quirk:?}");
    }
}

#[tokio::test]
async fn a_tenant_without_userhub_can_be_used_without_roles() {
    let world = World::with(&[Quirk::UserHubAbsent]).await;
    let mut spec = crate::world::spec(&world.sandbox);
    spec.administrator_roles = Vec::new();
    let directory = crate::world::connect(&spec).unwrap();
    directory.probe(&call()).await.unwrap();
    let ada = directory.find(&call(), &crate::world::by_login(ADA)).await.unwrap();
    assert_eq!(ada.protection, Protection::None);
    by_hand(&ada);
    let own = directory
        .find(&call(), &crate::world::by_login(OPERATOR))
        .await
        .unwrap();
    assert!(matches!(own.protection, Protection::Protected(_)));
}

#[tokio::test]
async fn several_keys_are_none() {
    let world = World::start().await;
    let key = AccountSelector {
        login: Some(ADA.into()),
        id: Some("1".into()),
        email: None,
    };
    let found = world.directory.find(&call(), &key).await;
    assert_eq!(failed(&found), Some(FailureClass::Permanent));
}
