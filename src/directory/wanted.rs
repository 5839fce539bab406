//! Which account somebody asks for. How a provider looks it up is the provider's matter.

use crate::{
    api::common::AccountSelector,
    domain::account::{Failure, FailureClass},
};

/// One account, by one of its names.
pub(super) enum Wanted<'a> {
    /// The upstream's immutable id.
    Id(&'a str),
    /// The name that its owner signs in with.
    Login(&'a str),
    /// Its e-mail address.
    Email(&'a str),
}

impl<'a> TryFrom<&'a AccountSelector> for Wanted<'a> {
    type Error = Failure;

    /// The CRD lets nothing else through; what comes from a Directory's expressions is checked here.
    fn try_from(key: &'a AccountSelector) -> Result<Self, Failure> {
        match (&key.id, &key.login, &key.email) {
            (Some(id), None, None) => Ok(Wanted::Id(id)),
            (None, Some(login), None) => Ok(Wanted::Login(login)),
            (None, None, Some(email)) => Ok(Wanted::Email(email)),
            _ => Err(Failure::new(
                FailureClass::Permanent,
                "exactly one of login, id and email must say which account",
            )),
        }
    }
}
