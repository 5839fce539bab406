//! ServiceNow: the users of one instance, by its Table API.
//!
//! There is no call for unlock or reset: both are writes of fields, and comparing what comes back is the only proof.
//! `client` exchanges, `credential` is who asks, `errors` what an answer means, `query` how something is looked for;
//! `find`, `locked`, `changes`, `protection` and `tickets` are the calls. Facts come from ServiceNow's documentation; where that is
//! silent, the code says what is assumed.

mod account;
mod changes;
mod client;
mod credential;
mod errors;
mod find;
mod locked;
mod model;
mod protection;
mod query;
mod tickets;

pub use model::Record;
pub use tickets::{Choice, Kind, Mark, Resolution, Ticket};

use super::{Call, Directory, LockedPage, Probe, Target, throttle::Throttle};
use crate::{
    api::{common::AccountSelector, provider::ServiceNowProvider},
    domain::account::{AccountRead, Capabilities, Failure, FailureClass, ReadFailure, Sent, Step},
    secret::Secret,
};
use async_trait::async_trait;
use client::Client;
use protection::Own;
use std::time::Duration;

/// Whom the instance shows to nobody but its administrators: rows are left out without a word.
const HIDES: &str = "ServiceNow shows neither inactive people nor people of other domains to an operator's user that has no \
                     right to see them, and tells that from nobody in no way";
/// Rules that run later and imports write the same field; a request that has ended does not see that.
const AFTER_UNLOCK: &str = "a rule or an import of the instance may still lock it again minutes later, which shows where the \
                            Directory lists locked accounts (spec.lockouts)";

/// One instance, as one credential sees it. Made anew when its Secret changes: a credential that was refused is not sent
/// again by the same instance.
pub struct ServiceNow {
    spec: ServiceNowProvider,
    client: Client,
    own: Own,
    read_groups: bool,
}

impl ServiceNow {
    /// An instance. `secrets` are the password and the client secret, as many as the spec names, in this order.
    /// `timeout` bounds one exchange; `ca_pem` holds certificates to trust besides the system's; `read_groups` says
    /// whether a rule uses `account.groups`, which costs a call for each read.
    ///
    /// # Errors
    /// `NeedsConfig` where the url, the credential or the certificates cannot be used. Nothing is sent.
    pub fn new(
        spec: &ServiceNowProvider,
        secrets: (Secret, Option<Secret>),
        ca_pem: Option<&[u8]>,
        throttle: Throttle,
        timeout: Duration,
        read_groups: bool,
    ) -> Result<Self, Failure> {
        Ok(ServiceNow {
            client: Client::new(spec, secrets, ca_pem, throttle, timeout)?,
            spec: spec.clone(),
            own: Own::default(),
            read_groups,
        })
    }

    /// Whether the fields that everything depends on may be read: tried on the operator's own user.
    async fn probe_fields(&self, call: &Call, own: &str) -> Result<(), Failure> {
        let needed = [
            "active",
            "locked_out",
            "failed_attempts",
            "password_needs_reset",
            "sys_mod_count",
        ];
        let fields = format!("sys_id,{}", needed.join(","));
        let query = [("sysparm_fields", fields.as_str())];
        let user = match self.record(call, "probe fields", ("sys_user", own), &query).await {
            Ok(user) => user,
            Err(ReadFailure::Failed(failure)) => return Err(failure),
            Err(ReadFailure::NotFound | ReadFailure::Ambiguous) => {
                let words = "ServiceNow does not show the operator's own user; give it the role user_admin";
                return Err(Failure::new(FailureClass::NeedsConfig, words));
            }
        };
        let missing: Vec<&str> = needed.into_iter().filter(|field| user.value(field).is_none()).collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(Failure::new(
                FailureClass::NeedsConfig,
                format!(
                    "ServiceNow does not show these fields of sys_user: {}; grant the operator's user the right to read them",
                    missing.join(", ")
                ),
            )),
        }
    }
}

#[async_trait]
impl Directory for ServiceNow {
    fn provider(&self) -> &'static str {
        "servicenow"
    }

    async fn probe(&self, call: &Call) -> Result<Probe, Failure> {
        let own = self.own_id(call).await?;
        self.probe_fields(call, own).await?;
        self.probe_roles(call, own).await?;
        let unable = [
            (
                Step::SendLink,
                "servicenow has no call that mails a reset link; set method: TemporaryPassword",
            ),
            (Step::RevokeSessions, "servicenow has no call that ends sessions"),
        ];
        Ok(Probe {
            upstream: self.client.instance(),
            capabilities: Capabilities {
                unable: unable.map(|(step, why)| (step, why.to_owned())).into(),
                // It writes a field and a counter, and rules of the instance act on that.
                unlock_only_clears: false,
                hides: Some(HIDES.into()),
                after_unlock: Some(AFTER_UNLOCK.into()),
                ..Capabilities::default()
            },
        })
    }

    async fn find(&self, call: &Call, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        self.find_account(call, key).await
    }

    async fn read(&self, call: &Call, target: &Target) -> Result<AccountRead, ReadFailure> {
        self.read_account(call, &target.id).await
    }

    async fn locked(&self, call: &Call, page: Option<&str>) -> Result<LockedPage, ReadFailure> {
        self.list_locked(call, page).await
    }

    async fn unlock(&self, call: &Call, target: &Target) -> Sent {
        self.clear_lock(call, &target.id).await
    }

    async fn set_password(&self, call: &Call, target: &Target, password: &Secret, _also: &[Step]) -> Sent {
        self.write_password(call, &target.id, password).await
    }

    async fn require_change(&self, call: &Call, target: &Target) -> Sent {
        self.flag_reset(call, &target.id).await
    }
}
