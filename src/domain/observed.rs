//! What a decision sees: plain values. What is not known yet is `None`, and the decision asks for it
//! ([`crate::domain::decision::Fact`]); what could not be read is a value too.

mod progress;

pub use progress::{Acting, ClaimSeen, Progress, Send, Setback};

use crate::{
    api::{
        account::{AccountFields, Derivation, LedgerEntry},
        common::Limit,
    },
    domain::{
        account::{AccountRead, Capabilities, Failure, ReadFailure},
        enforcement::Enforcement,
        policy::Policy,
        queue::places::Queued,
        request::Request,
        route::Source,
        rule::Rule,
        settings::Timing,
    },
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, sync::Arc};

/// Everything that one decision sees.
#[derive(Clone, Copy)]
pub struct Observed<'a> {
    /// The durations in force.
    pub timing: &'a Timing,
    /// The request.
    pub request: &'a Request,
    /// Whether identity is enforced at admission.
    pub enforcement: &'a Enforcement,
    /// Every AccountPolicy, in name order.
    pub policies: &'a [Arc<Policy>],
    /// The Directory at hand: the one that the request names, and where that leads elsewhere the one that is acted in
    /// ([`Observed::within`]). `None` where there is none of that name.
    pub directory: Option<&'a DirectoryView>,
    /// Every Directory that may concern the request: the one it names, those where its accounts' credentials may live,
    /// and that of its claim.
    pub directories: &'a [DirectoryView],
    /// What was gathered in this pass.
    pub facts: &'a Facts,
    /// What this process has done for the request so far.
    pub progress: &'a Progress,
}

/// A Directory as the operator knows it.
#[derive(Clone, Debug)]
pub struct DirectoryView {
    /// Its name.
    pub name: String,
    /// Its provider's name.
    pub provider: String,
    /// The upstream's own identity; empty until it was probed.
    pub upstream: String,
    /// `spec.suspend`.
    pub suspended: bool,
    /// Why it cannot be used right now.
    pub trouble: Option<Trouble>,
    /// Why nothing is sent to it for a moment, where a request may lead to it: its circuit breaker is open.
    pub refusal: Option<Failure>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// `spec.limits`.
    pub limits: Vec<Limit>,
    /// `spec.protectedAccounts`, compiled.
    pub protected: Vec<Rule>,
    /// `spec.sources`, compiled.
    pub sources: Arc<[Source]>,
    /// `spec.usernamePrefix`.
    pub username_prefix: String,
}

/// Why a Directory cannot be used right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Whether an administrator is needed, rather than time.
    pub needs_person: bool,
    /// For the requester.
    pub message: String,
}

/// What was gathered in this pass.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Whether the requester holds the verb `use` on these policies.
    pub may_use: BTreeMap<String, bool>,
    /// Whether the requester holds it on all of them.
    pub may_use_any: Option<bool>,
    /// Whether the requester holds the verb `inspect` on these Directories.
    pub may_inspect: BTreeMap<String, bool>,
    /// The labels of the request's namespace.
    pub namespace_labels: Option<BTreeMap<String, String>>,
    /// The account, by the name of the Directory that it was last read in: where its credentials live in another one, there
    /// are two.
    pub readings: BTreeMap<String, AccountSeen>,
    /// The account's ledger.
    pub ledger: Option<LedgerSeen>,
    /// What a temporary password is derived from and sealed to, or why it cannot be.
    pub prepared: Option<Result<Derivation, String>>,
    /// Whether the directory's log shows that we had a link sent since the claim.
    pub link_sent: Option<bool>,
    /// Whether any account holds an open claim by this request, asked of the API server itself.
    pub claimed_elsewhere: Option<bool>,
    /// What it has to wait for before the directory is asked; `None` where it is its turn, or that was not asked.
    pub turn: Option<Queued>,
}

impl Facts {
    /// The wall clock was set by so much: see [`Progress::shift`].
    pub fn shift(&mut self, by: SignedDuration) {
        for seen in self.readings.values_mut() {
            seen.at = seen.at.saturating_add(by).unwrap_or(seen.at);
        }
    }

    /// The account as it was last read in this Directory.
    pub fn read_in(&self, directory: &str) -> Option<&AccountRead> {
        self.readings.get(directory)?.result.as_ref().ok()
    }

    /// The ledger of this name, where it is the one that was read.
    pub fn ledger_of(&self, name: &str) -> Option<&LedgerSeen> {
        self.ledger.as_ref().filter(|seen| seen.name == name)
    }
}

/// One reading of the account.
#[derive(Clone, Debug)]
pub struct AccountSeen {
    /// What was read.
    pub result: Result<AccountRead, ReadFailure>,
    /// When it was begun.
    pub at: Timestamp,
    /// How many sends had been made before.
    pub after: usize,
}

/// One reading of the ledger.
#[derive(Clone, Debug)]
pub struct LedgerSeen {
    /// The name of the Account object.
    pub name: String,
    /// The object; `None` where there is none.
    pub fields: Option<AccountFields>,
    /// Its resourceVersion, for the next write.
    pub resource_version: Option<String>,
}

impl LedgerSeen {
    /// The entries; none where there is no object.
    pub fn entries(&self) -> &[LedgerEntry] {
        self.fields.as_ref().map_or(&[], |fields| &fields.ledger)
    }
}
