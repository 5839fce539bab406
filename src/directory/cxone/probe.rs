//! What a tenant can do, and whether the rights suffice.

use super::{
    Cxone,
    client::{Api, Ask, Refusal},
    errors::Meaning,
    model::Agent,
};
use crate::{
    directory::{Call, Probe},
    domain::account::{Capabilities, Failure, FailureClass, Step},
};
use reqwest::Method;
use serde_json::Value;

/// As many calls are named.
const MOST_NAMED: usize = 5;

impl Cxone {
    /// Signs in and looks around: whether people, locks and roles are shown to the operator's user.
    pub(super) async fn probe_tenant(&self, call: &Call) -> Result<Probe, Failure> {
        let upstream = self.client.tenant(call).await?;
        let own = self.own_agent(call).await?;
        self.probe_roles(call, &own).await?;
        let note = match self.note.get() {
            Some(note) => note.clone(),
            None => {
                let note = self.ask_for_unlock(call).await?;
                self.note.get_or_init(|| note).clone()
            }
        };
        Ok(Probe {
            upstream,
            capabilities: capabilities(note),
        })
    }

    /// The operator's own user, as lists show it: whoever is not in them, or without a lock, cannot be judged.
    async fn own_agent(&self, call: &Call) -> Result<Agent, Failure> {
        let username = self.spec.username.as_str();
        let found = self
            .search(call, "probe agents", &[("searchString", username)], 2)
            .await;
        let found = found.map_err(|refusal| refusal.failure)?;
        let is = |agent: &Agent| {
            let name = agent.text("userName");
            name.is_some_and(|name| name.eq_ignore_ascii_case(username))
        };
        let own = found.agents.into_iter().find(is).ok_or_else(|| {
            let words = format!(
                "CXone shows no agent whose user name is spec.provider.cxone.username ({} hidden); correct it, and grant the \
                 user's role the right to see every team",
                found.hidden
            );
            Failure::new(FailureClass::NeedsConfig, words)
        })?;
        match own.flag("locked") {
            Some(_) => Ok(own),
            None => Err(Failure::new(
                FailureClass::NeedsConfig,
                "CXone's list does not show whether agents are locked; check the Directory's apiVersion and the rights of the \
                 operator's user",
            )),
        }
    }

    /// What the tenant's API says of calls that unlock. A call that is listed is not supported by that, and none is made.
    async fn ask_for_unlock(&self, call: &Call) -> Result<String, Failure> {
        let ask = Ask {
            operation: "probe for an unlock",
            api: Api::Admin,
            method: Method::GET,
            path: &["apiversion"],
            query: &[("searchUriText", "unlock")],
            secret: None,
        };
        let by_hand = "locks are cleared by hand";
        let reply = match self.client.ask(call, ask).await {
            Ok(reply) => reply,
            Err(Refusal {
                meaning: Some(Meaning::NeedsConfig | Meaning::NotFound | Meaning::Permanent),
                ..
            }) => {
                return Ok(format!(
                    "{by_hand}; whether the tenant lists a call for it may not be asked"
                ));
            }
            Err(refusal) => return Err(refusal.failure),
        };
        let infos = reply.body.get("apiInfo").and_then(Value::as_array);
        let named: Vec<String> = infos
            .into_iter()
            .flatten()
            .filter_map(|info| {
                let text = |name: &str| info.get(name).and_then(Value::as_str);
                Some(format!("{} {}", text("verb").unwrap_or("?"), text("uri")?))
            })
            .filter(|name| name.len() <= 200)
            .take(MOST_NAMED)
            .collect();
        Ok(match named.as_slice() {
            [] => format!("{by_hand}: the tenant's API lists no call with unlock in its path"),
            some => format!(
                "{by_hand}: the tenant's API lists {}, which NICE does not document and which is not used",
                some.join(", ")
            ),
        })
    }
}

fn capabilities(note: String) -> Capabilities {
    let unable = [
        (
            Step::SendLink,
            "cxone has no call that mails a reset link; set method: TemporaryPassword",
        ),
        (
            Step::RequireChange,
            "what cxone does with a forced change that comes without a new password is not documented; set method: \
             TemporaryPassword",
        ),
    ];
    Capabilities {
        unable: unable.map(|(step, why)| (step, why.to_owned())).into(),
        // None is ever sent.
        unlock_only_clears: true,
        unlock_by_hand: true,
        after_unlock: Some("CXone locks the account again unless its owner signs in within two days".into()),
        reset_requires_change: true,
        note: Some(note),
        ..Capabilities::default()
    }
}
