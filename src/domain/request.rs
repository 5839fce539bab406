//! A request of any kind, reduced to what decisions need. The kinds differ in what they ask for ([`Ask`]) only.

use crate::api::{
    AccountUnlockRequest, Action, Method, PasswordResetRequest, RequestFields, RequestStatus, Requester, Span,
    common::AccountSelector,
};
use crate::domain::cel::RequestFacts;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The kinds of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// AccountUnlockRequest.
    Unlock,
    /// PasswordResetRequest.
    Reset,
}

impl Kind {
    /// The kind's name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Unlock => "AccountUnlockRequest",
            Kind::Reset => "PasswordResetRequest",
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Clear the lock.
    Unlock,
    /// Reset the password.
    Reset {
        /// How.
        method: Method,
        /// Whether a lock is cleared too.
        unlock: bool,
        /// Whom the requester wants a temporary password sealed to.
        recipients: Vec<String>,
    },
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Its resourceVersion, as it was seen.
    pub version: String,
    /// When it was created, by the API server's clock.
    pub created: Timestamp,
    /// Its generation.
    pub generation: i64,
    /// Whether it is being deleted: a request that is deleted before it ended is cancelled.
    pub deleting: bool,
    /// `spec.directory`.
    pub directory: String,
    /// `spec.account`.
    pub account: AccountSelector,
    /// `spec.policy`.
    pub policy: Option<String>,
    /// `spec.reason`.
    pub reason: Option<String>,
    /// `spec.notBefore`.
    pub not_before: Option<Timestamp>,
    /// `spec.notAfter`.
    pub not_after: Option<Timestamp>,
    /// `spec.suspend`.
    pub suspend: bool,
    /// `spec.ttlAfterFinished`.
    pub ttl: Option<Span>,
    /// Who asks, as stamped at admission. Shared by those that ask for much.
    pub requester: Arc<Requester>,
    /// What is asked for.
    pub ask: Ask,
    /// What was recorded so far.
    pub status: RequestStatus,
}

const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

impl Request {
    /// The stamped username; empty where there is none, which no rule admits.
    pub fn username(&self) -> &str {
        self.requester.username.as_deref().unwrap_or_default()
    }

    /// Whether a service account asks.
    pub fn by_service_account(&self) -> bool {
        self.username().starts_with(SERVICE_ACCOUNT)
    }

    /// The action that policies and limits speak of.
    pub fn action(&self) -> Action {
        match self.ask {
            Ask::Unlock => Action::Unlock,
            Ask::Reset { .. } => Action::ResetPassword,
        }
    }

    /// The method of a reset.
    pub fn method(&self) -> Option<Method> {
        match self.ask {
            Ask::Unlock => None,
            Ask::Reset { method, .. } => Some(method),
        }
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.status.outcome.is_some()
    }

    /// What expressions may know of it.
    pub fn facts(&self) -> RequestFacts<'_> {
        RequestFacts {
            kind: self.kind.as_str(),
            namespace: &self.namespace,
            name: &self.name,
            action: self.action(),
            directory: &self.directory,
            account: &self.account,
            method: self.method(),
            unlock: match self.ask {
                Ask::Unlock => None,
                Ask::Reset { unlock, .. } => Some(unlock),
            },
            policy: self.policy.as_deref(),
            reason: self.reason.as_deref(),
            created: self.created,
            not_before: self.not_before,
            not_after: self.not_after,
        }
    }

    /// What the same manifest has in common with its earlier self, as a hash; only for requests with `notAfter`.
    pub fn intent_key(&self) -> Option<String> {
        let not_after = self.not_after?;
        let mut hash = Sha256::new();
        let mut field = |name: &str, value: &str| {
            hash.update(format!("{}:{name}={}:{value};", name.len(), value.len()));
        };
        field("version", "1");
        field("kind", self.kind.as_str());
        field("namespace", &self.namespace);
        field("name", &self.name);
        field("directory", &self.directory);
        for (name, value) in [
            ("login", &self.account.login),
            ("id", &self.account.id),
            ("email", &self.account.email),
        ] {
            field(name, value.as_deref().unwrap_or_default());
        }
        field("policy", self.policy.as_deref().unwrap_or_default());
        field(
            "notBefore",
            &self.not_before.map(|time| time.to_string()).unwrap_or_default(),
        );
        field("notAfter", &not_after.to_string());
        if let Ask::Reset {
            method,
            unlock,
            recipients,
        } = &self.ask
        {
            field("method", method.as_str());
            field("unlock", if *unlock { "true" } else { "false" });
            let mut recipients = recipients.clone();
            recipients.sort();
            recipients.iter().for_each(|recipient| field("recipient", recipient));
        }
        Some(data_encoding::HEXLOWER.encode(&hash.finalize()))
    }
}

/// What decisions need of an object of any kind.
fn request(
    kind: Kind,
    ask: Ask,
    metadata: ObjectMeta,
    fields: RequestFields,
    status: Option<RequestStatus>,
) -> Request {
    let created = metadata.creation_timestamp;
    Request {
        kind,
        namespace: metadata.namespace.unwrap_or_default(),
        name: metadata.name.unwrap_or_default(),
        uid: metadata.uid.unwrap_or_default(),
        version: metadata.resource_version.unwrap_or_default(),
        created: created.map_or(Timestamp::UNIX_EPOCH, |time| time.0),
        generation: metadata.generation.unwrap_or_default(),
        deleting: metadata.deletion_timestamp.is_some(),
        directory: fields.directory,
        account: fields.account,
        policy: fields.policy,
        reason: fields.reason,
        not_before: fields.not_before,
        not_after: fields.not_after,
        suspend: fields.suspend.unwrap_or_default(),
        ttl: fields.ttl_after_finished,
        requester: Arc::new(fields.requester.unwrap_or_default()),
        ask,
        status: status.unwrap_or_default(),
    }
}

impl From<AccountUnlockRequest> for Request {
    fn from(object: AccountUnlockRequest) -> Self {
        let fields = object.spec.request;
        request(Kind::Unlock, Ask::Unlock, object.metadata, fields, object.status)
    }
}

impl From<PasswordResetRequest> for Request {
    fn from(object: PasswordResetRequest) -> Self {
        let spec = object.spec;
        let ask = Ask::Reset {
            method: spec.method,
            unlock: spec.unlock,
            recipients: spec.recipients,
        };
        request(Kind::Reset, ask, object.metadata, spec.request, object.status)
    }
}
