//! Looking at entries: exactly one by a filter, one by name with its state, and which attributes are hidden rather than
//! absent.

use super::{Connection, Entry, Fault, Presence, Query, dn};
use crate::domain::account::{Failure, FailureClass, ReadFailure, Sent, Step};
use futures::future::try_join_all;
use ldap3::Scope;

/// The one entry below the base that the search finds, with the names of its attributes alone.
///
/// # Errors
/// None, or several; or the look-up failed.
pub async fn resolve(connection: &Connection, base: &str, search: &str) -> Result<Entry, ReadFailure> {
    let query = Query {
        base,
        scope: Scope::Subtree,
        filter: search,
        attributes: &["*"],
        names_only: true,
        limit: 2,
    };
    let mut found = connection.search(&query).await.map_err(|fault| base_failure(&fault))?;
    match (found.entries.pop(), found.entries.is_empty(), found.more) {
        (Some(entry), true, false) => Ok(entry),
        (None, _, false) => Err(ReadFailure::NotFound),
        _ => Err(ReadFailure::Ambiguous),
    }
}

/// The entry with these attributes. The search is repeated on it, so that an entry that was renamed into the place of
/// the one that was found is not taken for it.
///
/// # Errors
/// It is no longer there; or the look-up failed.
pub async fn again(connection: &Connection, dn: &str, search: &str, attributes: &[&str]) -> Result<Entry, ReadFailure> {
    let query = Query {
        base: dn,
        scope: Scope::Base,
        filter: search,
        attributes,
        names_only: false,
        limit: 1,
    };
    match connection.search(&query).await {
        Ok(mut found) => found.entries.pop().ok_or(ReadFailure::NotFound),
        Err(fault) if fault.code() == Some(32) => Err(ReadFailure::NotFound),
        Err(fault) => Err(fault.failure().into()),
    }
}

/// One entry by name, as far as the filter lets it through; `None` where it is not seen.
///
/// # Errors
/// The look-up failed.
pub async fn entry(
    connection: &Connection,
    dn: &str,
    filter: &str,
    attributes: &[&str],
) -> Result<Option<Entry>, Failure> {
    let query = Query {
        base: dn,
        scope: Scope::Base,
        filter,
        attributes,
        names_only: false,
        limit: 1,
    };
    match connection.search(&query).await {
        Ok(mut found) => Ok(found.entries.pop()),
        Err(fault) if fault.code() == Some(32) => Ok(None),
        Err(fault) => Err(fault.failure()),
    }
}

/// Which of these attributes (each with a value of its syntax) are not seen because the operator may not see them. A
/// search leaves hidden attributes out like absent ones; a comparison tells them apart.
///
/// # Errors
/// A comparison failed.
pub async fn hidden(
    connection: &Connection,
    entry: &Entry,
    attributes: &[(&'static str, &str)],
) -> Result<Vec<&'static str>, Fault> {
    let looks = attributes
        .iter()
        .filter(|(name, _)| !entry.has(name))
        .map(|(name, value)| async move {
            let presence = connection.compare(&entry.dn, name, value).await?;
            Ok::<_, Fault>((presence != Presence::Absent).then_some(*name))
        });
    Ok(try_join_all(looks).await?.into_iter().flatten().collect())
}

/// The name of the entry that a step is to change, found by its immutable id. Never the operator's own.
///
/// # Errors
/// What the send came to: nothing was sent.
pub async fn aim(connection: &Connection, base: &str, search: &str, bind_dn: &str, step: Step) -> Result<String, Sent> {
    let entry = resolve(connection, base, search)
        .await
        .map_err(|failure| match failure {
            ReadFailure::NotFound | ReadFailure::Ambiguous => gone(),
            ReadFailure::Failed(failure) => Sent::NotSent(failure),
        })?;
    if dn::same(&entry.dn, bind_dn) {
        let text = format!("{} is not done to the operator's own account", step.as_str());
        return Err(Sent::Refused(Failure::new(FailureClass::Permanent, text)));
    }
    Ok(entry.dn)
}

/// Nothing can be sent about an account that is not there.
pub fn gone() -> Sent {
    Sent::Refused(Failure::new(FailureClass::Permanent, "the account is no longer there"))
}

fn base_failure(fault: &Fault) -> ReadFailure {
    match fault {
        Fault::Answered(answer) if answer.code == 32 => Failure::new(
            FailureClass::NeedsConfig,
            "the Directory's baseDN does not exist or the operator's account may not search it",
        )
        .detail(answer.detail())
        .into(),
        other => other.failure().into(),
    }
}
