//! What is not settled is not acted on: where the credentials live, and whose they are.

use super::{bend, check, source};
use crate::{
    build::{self, directory, reset, source_of, unlock},
    scene::failure,
};
use readmit::{
    api::{Method, Outcome, Reason},
    domain::{
        account::{FailureClass, ReadFailure, Step},
        observed::{DirectoryView, Trouble},
    },
};
use serde_json::json;

#[test]
fn what_is_not_settled_is_not_acted_on() {
    use Outcome::{Denied, Failed};
    use Reason::{DirectoryNotFound, DirectoryUnavailable, MissingRights, NotCapable, NotEligible, Refused, Suspended};
    check(vec![
        (
            "no such Directory",
            unlock("a"),
            |s| s.directory = None,
            None,
            DirectoryNotFound,
            "Directory ldap does not exist",
        ),
        (
            "the Directory has trouble",
            unlock("a"),
            |s| {
                let trouble = Trouble {
                    needs_person: true,
                    message: "wrong secret".into(),
                };
                s.directory = Some(DirectoryView {
                    trouble: Some(trouble),
                    ..directory()
                });
            },
            None,
            DirectoryUnavailable,
            "Directory ldap: wrong secret",
        ),
        (
            "the Directory is suspended",
            unlock("a"),
            |s| {
                s.directory = Some(DirectoryView {
                    suspended: true,
                    ..directory()
                });
            },
            None,
            Suspended,
            "Directory ldap is suspended",
        ),
        (
            "the Directory cannot do it",
            reset("a", Method::Link),
            |s| {
                let mut view = directory();
                view.capabilities
                    .unable
                    .insert(Step::SendLink, "ldap cannot mail links".into());
                s.directory = Some(view);
            },
            Some(Failed),
            NotCapable,
            "ldap cannot mail links",
        ),
        (
            "there is none",
            unlock("a"),
            |s| s.found = Err(ReadFailure::NotFound),
            Some(Denied),
            NotEligible,
            "no account that may be acted on",
        ),
        (
            "there is none, for inspectors",
            unlock("a"),
            |s| {
                (s.found, s.may_inspect) = (Err(ReadFailure::NotFound), true);
            },
            Some(Denied),
            NotEligible,
            "directory ldap has no account for it",
        ),
        (
            "there are several",
            unlock("a"),
            |s| {
                (s.found, s.may_inspect) = (Err(ReadFailure::Ambiguous), true);
            },
            Some(Denied),
            NotEligible,
            "several accounts of directory ldap match",
        ),
        (
            "it does not answer",
            unlock("a"),
            |s| s.found = failure(FailureClass::Transient(None), "no answer"),
            None,
            DirectoryUnavailable,
            "no answer",
        ),
        (
            "another one's id",
            unlock("a"),
            |s| {
                bend(s, |named| drop(named.profile.insert("ldapId".into(), "id-bob".into())));
            },
            Some(Denied),
            NotEligible,
            "no account that may be acted on",
        ),
        (
            "another one's id, for inspectors",
            unlock("a"),
            |s| {
                bend(s, |named| drop(named.profile.insert("ldapId".into(), "id-bob".into())));
                s.may_inspect = true;
            },
            Some(Denied),
            NotEligible,
            "directory ldap is not confirmed: its attribute id differs",
        ),
        (
            "nothing to confirm it by",
            unlock("a"),
            |s| {
                bend(s, |named| drop(named.profile.remove("ldapId")));
                s.may_inspect = true;
            },
            Some(Denied),
            NotEligible,
            "account.profile.ldapId is not set",
        ),
        (
            "nothing there to confirm it by",
            unlock("a"),
            |s| {
                s.named = Some((
                    source(json!({"confirm": {"employee": "account.profile.ldapId"}})),
                    Ok(build::named(true)),
                ));
                s.may_inspect = true;
            },
            Some(Denied),
            NotEligible,
            "its attribute employee is not set",
        ),
        (
            "what confirms it cannot be read",
            unlock("a"),
            |s| {
                s.named = Some((
                    source(json!({"confirm": {"employee": "account.profile.ldapId"}})),
                    Ok(build::named(true)),
                ));
                s.finds(|found| found.unreadable = vec!["Employee".into()]);
            },
            None,
            MissingRights,
            "its attribute employee could not be read",
        ),
        (
            "nothing to find it by",
            unlock("a"),
            |s| {
                bend(s, |named| drop(named.profile.remove("uid")));
                s.may_inspect = true;
            },
            Some(Denied),
            NotEligible,
            "account.profile.uid is not set, which leads to directory ldap",
        ),
        (
            "what finds it cannot be read",
            unlock("a"),
            |s| {
                bend(s, |named| named.unreadable = vec!["uid".into()]);
            },
            None,
            DirectoryUnavailable,
            "spec.sources of Directory cloud cannot be evaluated: account.profile.uid could not be read",
        ),
        (
            "what confirms it cannot be read here",
            unlock("a"),
            |s| {
                bend(s, |named| named.unreadable = vec!["ldapId".into()]);
            },
            None,
            DirectoryUnavailable,
            "account.profile.ldapId could not be read",
        ),
        (
            "whether it is one cannot be read",
            unlock("a"),
            |s| {
                s.named = Some((
                    source(json!({"when": "has(account.profile.kind) && account.profile.kind == 'x'"})),
                    Ok(build::named(true)),
                ));
                bend(s, |named| named.unreadable = vec!["kind".into()]);
            },
            None,
            DirectoryUnavailable,
            "account.profile.kind could not be read",
        ),
        (
            "it leads on, by its own word",
            unlock("a"),
            |s| {
                s.finds(|found| found.foreign_source = Some("LDAP".into()));
            },
            Some(Failed),
            Refused,
            "do not live either; let the source lead to",
        ),
        (
            "it leads on, by a source",
            unlock("a"),
            |s| {
                let back = json!({"when": "true", "directory": "cloud", "account": {"id": "account.id"}, "confirm": {"id": "account.id"}});
                s.directory = Some(DirectoryView {
                    sources: [source_of(back)].into(),
                    ..directory()
                });
            },
            Some(Failed),
            Refused,
            "do not live either; let the source lead to",
        ),
        (
            "it leads back",
            unlock("a"),
            |s| {
                s.named = Some((source(json!({"directory": "cloud"})), Ok(build::named(true))));
            },
            Some(Failed),
            Refused,
            "a source leads to directory cloud",
        ),
        (
            "no source speaks of it",
            unlock("a"),
            |s| {
                s.named = Some((
                    source(json!({"when": "account.source.type == 'ACTIVE_DIRECTORY'"})),
                    Ok(build::named(true)),
                ));
            },
            Some(Failed),
            NotCapable,
            "an administrator does it in the console",
        ),
        (
            "an attribute that no source finds",
            unlock("a"),
            |s| {
                s.named = Some((
                    source(json!({"when": "account.profile.nothing == 'x'"})),
                    Ok(build::named(true)),
                ));
            },
            Some(Failed),
            NotCapable,
            "an administrator does it in the console",
        ),
    ]);
}
