//! What the probe learns: the tenant, the rights, and whether the API knows of an unlock.

use crate::world::{World, call, connect, spec};
use readmit::{
    directory::Directory,
    domain::account::{Capabilities, Failure, FailureClass, Step},
};
use sandbox::cxone::Quirk;

async fn capabilities(quirks: &[Quirk]) -> Capabilities {
    let world = World::with(quirks).await;
    world.directory.probe(&call()).await.unwrap().capabilities
}

async fn refusal(quirks: &[Quirk]) -> Failure {
    let world = World::with(quirks).await;
    world.directory.probe(&call()).await.unwrap_err()
}

#[tokio::test]
async fn the_tenant_is_its_id_and_what_it_can_do_is_told() {
    let world = World::start().await;
    let probe = world.directory.probe(&call()).await.unwrap();
    assert_eq!(probe.upstream.len(), 36, "{}", probe.upstream);
    let capabilities = probe.capabilities;
    let unable: Vec<_> = capabilities.unable.keys().collect();
    assert_eq!(unable, [&Step::SendLink, &Step::RequireChange]);
    assert!(capabilities.unlock_by_hand && capabilities.reset_requires_change);
    let other = connect(&spec(&world.sandbox)).unwrap();
    assert_eq!(other.probe(&call()).await.unwrap().upstream, probe.upstream);
}

#[tokio::test]
async fn whether_the_api_lists_an_unlock_is_asked_once_and_told() {
    let note = capabilities(&[]).await.note.unwrap();
    assert!(note.contains("lists no call with unlock"), "{note}");
    let note = capabilities(&[Quirk::UnlockListed]).await.note.unwrap();
    assert!(
        note.contains("PUT services/{version}/agents/{agentId}/unlock"),
        "{note}"
    );
    assert!(note.contains("not used"), "{note}");
    let note = capabilities(&[Quirk::VersionsForbidden]).await.note.unwrap();
    assert!(note.contains("may not be asked"), "{note}");
    let world = World::start().await;
    for _ in 0..3 {
        world.directory.probe(&call()).await.unwrap();
    }
    assert_eq!(world.calls_to("/apiversion").len(), 1);
}

#[tokio::test]
async fn a_listed_unlock_is_not_called() {
    let world = World::with(&[Quirk::UnlockListed]).await;
    world.directory.probe(&call()).await.unwrap();
    world.act(Step::Unlock, crate::world::ADA).await;
    assert!(world.agent(crate::world::ADA).locked);
}

#[tokio::test]
async fn a_missing_right_is_named() {
    for (quirks, word) in [
        (&[Quirk::UserHubForbidden][..], "UserHub is forbidden"),
        (&[Quirk::UserHubAbsent], "there is no UserHub"),
        (&[Quirk::RoleMissing], "does not show the person's role"),
        (&[Quirk::LockedMissing], "whether agents are locked"),
        (&[Quirk::VersionUnknown], "apiVersion"),
        (&[Quirk::Version405], "apiVersion"),
    ] {
        let failure = refusal(quirks).await;
        assert_eq!(failure.class, FailureClass::NeedsConfig, "{quirks:?}: {failure:?}");
        assert!(failure.public.contains(word), "{quirks:?}: {}", failure.public);
    }
}

#[tokio::test]
async fn a_wrong_username_or_one_that_is_hidden_is_told() {
    let world = World::start().await;
    let mut spec = spec(&world.sandbox);
    spec.username = "somebody.else@example.com".into();
    let failure = connect(&spec).unwrap().probe(&call()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::NeedsConfig);
    assert!(
        failure.public.contains("spec.provider.cxone.username"),
        "{}",
        failure.public
    );
}
