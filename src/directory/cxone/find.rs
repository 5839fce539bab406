//! Finding exactly one person, and reading one.
//!
//! A search matches parts of names: what comes back is compared with what was asked. Where the operator's role hides
//! agents, nothing found may be a missing right, and is told as that.

use super::{
    Cxone,
    client::{Api, Ask, Refusal, not_understood},
    errors::Meaning,
    model::{Agent, is_number, is_uuid},
};
use crate::{
    api::common::AccountSelector,
    directory::{Call, wanted::Wanted},
    domain::account::{AccountRead, Failure, FailureClass, ReadFailure},
};
use reqwest::Method;

/// Pages of a search: who is not found among a thousand similar names is not looked for further.
const PAGES: usize = 10;

impl Cxone {
    /// Finds exactly one account by what somebody named it.
    ///
    /// # Errors
    /// Where none or several match, or that cannot be told.
    pub(super) async fn find_account(&self, call: &Call, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        let (field, wanted) = match Wanted::try_from(key)? {
            Wanted::Id(id) => return self.read_account(call, id).await,
            Wanted::Login(login) => ("userName", login),
            Wanted::Email(email) => ("emailAddress", email),
        };
        let found = self
            .search(call, "find agent", &[("searchString", wanted)], PAGES)
            .await?;
        let is = |agent: &&Agent| {
            agent
                .text(field)
                .is_some_and(|had| had.to_lowercase() == wanted.to_lowercase())
        };
        let same: Vec<&Agent> = found.agents.iter().filter(is).collect();
        // A user name is unique in a tenant, an address is not.
        let may_be_hidden = found.hidden > 0 && (same.is_empty() || field == "emailAddress");
        match same.as_slice() {
            [_, _, ..] => Err(ReadFailure::Ambiguous),
            _ if !found.complete => Err(ReadFailure::Ambiguous),
            _ if may_be_hidden => Err(hidden(found.hidden).into()),
            [one] => self.complete(call, one, Ok(())).await,
            [] => Err(ReadFailure::NotFound),
        }
    }

    /// Reads one person by the agent's number, or by the user's UUID.
    pub(super) async fn read_account(&self, call: &Call, id: &str) -> Result<AccountRead, ReadFailure> {
        const OPERATION: &str = "read agent";
        if !is_number(id) && !is_uuid(id) {
            return Err(ReadFailure::NotFound);
        }
        let ask = Ask {
            operation: OPERATION,
            api: Api::Admin,
            method: Method::GET,
            path: &["agents", id],
            query: &[],
            secret: None,
        };
        let reply = match self.client.ask(call, ask).await {
            Err(refusal) if refusal.meaning == Some(Meaning::NotFound) => return Err(self.not_found(call).await),
            reply => reply?,
        };
        let rows = reply.body.get("agents").and_then(|rows| rows.as_array());
        let one = match rows.map(Vec::as_slice) {
            Some([one]) => Agent::of(one),
            Some([]) => return Err(ReadFailure::NotFound),
            _ => None,
        };
        let is = |agent: &Agent| {
            let same = |had: Option<&str>| had.is_some_and(|had| had.eq_ignore_ascii_case(id));
            same(agent.id().as_deref()) || same(agent.user_id())
        };
        let one = one.filter(is).ok_or_else(|| not_understood(OPERATION))?;
        let (listed, lock) = match self.listed(call, &one).await? {
            Ok(listed) => (listed, Ok(())),
            Err(why) => (one, Err(why)),
        };
        self.complete(call, &listed, lock).await
    }

    /// What a 404 of an agent means: nobody, or that the operator's role hides agents, or no Admin API at all.
    async fn not_found(&self, call: &Call) -> ReadFailure {
        match self.page(call, "look for hidden agents", &[], 0).await {
            Ok((page, _)) if page.hidden > 0 => hidden(page.hidden).into(),
            Ok(_) => ReadFailure::NotFound,
            Err(refusal) => refusal.into(),
        }
    }

    /// The same agent as lists show it: only they show its lock. Or why they do not.
    async fn listed(&self, call: &Call, agent: &Agent) -> Result<Result<Agent, String>, Refusal> {
        let Some(user_name) = agent.text("userName") else {
            return Ok(Err("CXone does not show the agent's user name".into()));
        };
        let found = self
            .search(call, "read lock", &[("searchString", user_name)], PAGES)
            .await?;
        let listed = found.agents.into_iter().find(|listed| listed.id() == agent.id());
        Ok(listed.ok_or_else(|| {
            let hidden = found.hidden;
            format!(
                "CXone's list of agents does not show this one ({hidden} hidden); grant the role of the operator's user the \
                 right to see every team"
            )
        }))
    }

    /// An account from an agent as listed, with what UserHub says of it.
    async fn complete(&self, call: &Call, agent: &Agent, lock: Result<(), String>) -> Result<AccountRead, ReadFailure> {
        let hub = self.hub_user(call, agent).await?;
        let protection = self.protection(agent, &hub);
        let account = self.account(agent, lock, Some(&hub), protection);
        Ok(account.ok_or_else(|| not_understood("read agent"))?)
    }
}

/// That nobody was found where not everybody is shown.
pub(super) fn hidden(count: u64) -> Failure {
    let words = format!(
        "CXone hides {count} agents that could be meant from the operator's user, so that whether there is such an account cannot be \
         told; grant its role the right to see every team"
    );
    Failure::new(FailureClass::NeedsConfig, words)
}
