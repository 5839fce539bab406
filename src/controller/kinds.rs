//! The request kinds, as the controller handles them: one trait, so that nothing below it knows which kind it has.

use crate::{
    api::{AccountUnlockRequest, PasswordResetRequest},
    domain::request::Request,
};
use kube::{Resource, core::NamespaceResourceScope};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// A kind of request.
pub trait RequestKind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// What decisions need of it.
    fn request(self) -> Request;
}

impl RequestKind for AccountUnlockRequest {
    fn request(self) -> Request {
        self.into()
    }
}

impl RequestKind for PasswordResetRequest {
    fn request(self) -> Request {
        self.into()
    }
}
