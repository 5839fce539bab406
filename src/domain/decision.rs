//! What a decision says: at most one effect, or one fact that it needs first, or how the request stands.

use crate::{
    api::{
        Outcome, Reason,
        account::{AccountFields, Claim, LedgerEntry},
        common::AccountSelector,
        request_status::{AccountReference, Lockout, PolicyReference},
    },
    domain::{account::Step, ledger::Closing, observed::Acting, queue::Promise},
};
use jiff::Timestamp;

/// What is to be done with a request now.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Nothing, ever again.
    Ignore,
    /// This must be known first. Reading only.
    Gather(Fact),
    /// One effect.
    Act(Effect),
    /// It has ended.
    Finish(Box<Ending>),
    /// It waits.
    Wait(Box<Waiting>),
}

/// Something to find out. Finding it out changes nothing anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Whether the requester holds the verb `use` on this policy.
    MayUse(String),
    /// Whether the requester holds it on every policy.
    MayUseAny,
    /// Whether the requester holds the verb `inspect` on this Directory.
    MayInspect(String),
    /// The labels of the request's namespace.
    NamespaceLabels,
    /// The account that this key names.
    Find {
        /// The Directory to look in.
        directory: String,
        /// Which account.
        key: AccountSelector,
    },
    /// The account by its id, from this server.
    Read {
        /// The Directory to read it in.
        directory: String,
        /// Its immutable id.
        id: String,
        /// The server, where the upstream has several.
        server: Option<String>,
        /// Whether it reads back what was done.
        back: bool,
    },
    /// The account's ledger.
    Ledger {
        /// The name of the Account object.
        name: String,
    },
    /// A temporary password, derived and sealed, under this policy or by a claim's own values.
    Prepare {
        /// The Directory that it is for, which says what passwords look like.
        directory: String,
        /// How many characters.
        length: u32,
        /// Whom it is sealed to.
        recipients: Vec<String>,
        /// The claim whose values are used again.
        again: Option<Box<Claim>>,
    },
    /// Whether the directory's log shows that we had a link sent to this account since then.
    LinkSent {
        /// The Directory.
        directory: String,
        /// The account's immutable id.
        id: String,
        /// Since when.
        since: Timestamp,
    },
    /// Whether any account holds an open claim by this request, asked of the API server itself.
    ClaimedElsewhere,
}

/// One effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write a first claim.
    Claim(Box<NewClaim>),
    /// Write the claim again: with a new deadline as ours to send under, with the note that the one proof is used up, or
    /// only so that nobody else can.
    Renew(Renewal),
    /// Send a step to the directory, once.
    Send {
        /// What.
        step: Step,
        /// What goes into the same write: all of it happens, or none.
        also: Vec<Step>,
        /// Whom it is done to, where there is no claim that says so.
        target: Option<Box<Acting>>,
    },
    /// Sign in once with the derived password, to find out whether it is in force.
    Prove,
    /// Take the claim back: nothing was done under it.
    Release,
}

/// A first claim. The shell adds deadline, nonce and writer.
#[derive(Clone, Debug, PartialEq)]
pub struct NewClaim {
    /// The name of the Account object.
    pub name: String,
    /// The object without the new entry.
    pub fields: AccountFields,
    /// Its resourceVersion; `None` to create it.
    pub resource_version: Option<String>,
    /// The new entry.
    pub entry: LedgerEntry,
    /// The steps to take under it.
    pub plan: Vec<Step>,
}

/// What changes when a claim is written again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Whether the marked step is known to be done.
    pub marked: bool,
    /// Whether the one proving sign-in is used up.
    pub proved: bool,
    /// The steps still to take, where it becomes ours to send under.
    pub take_over: Option<Vec<Step>>,
}

impl Renewal {
    /// Changes nothing but who wrote it last: whoever else may still hold it can neither renew it nor send under it.
    pub fn fence() -> Self {
        Renewal {
            marked: false,
            proved: false,
            take_over: None,
        }
    }
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// The outcome.
    pub outcome: Outcome,
    /// The reason.
    pub reason: Reason,
    /// For people: what happened, and what to do next.
    pub message: String,
    /// For the operator's audit log only.
    pub detail: Option<String>,
    /// The policy that was applied.
    pub policy: Option<PolicyReference>,
    /// The account.
    pub account: Option<AccountReference>,
    /// The account that the request names, where its credentials live in another Directory.
    pub named: Option<AccountReference>,
    /// The lock as it was read.
    pub lockout: Option<Lockout>,
    /// Whether the sealed password is handed over.
    pub deliver: bool,
    /// How the claim is closed.
    pub closing: Option<Closing>,
}

/// Why and how long a request waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Why.
    pub reason: Reason,
    /// For people: what is awaited, and what to do.
    pub message: String,
    /// For the operator's log only.
    pub detail: Option<String>,
    /// When to look again, if nothing happens before.
    pub until: Timestamp,
    /// Whether a person must act, whatever the reason usually means.
    pub needs_person: bool,
    /// The policy, once one permits.
    pub policy: Option<PolicyReference>,
    /// The account, once it is known and permitted.
    pub account: Option<AccountReference>,
    /// The account that the request names, where its credentials live in another Directory.
    pub named: Option<AccountReference>,
    /// The lock as it was read.
    pub lockout: Option<Lockout>,
    /// What the message says of its turn, where it waits for that.
    pub promise: Option<Promise>,
    /// What was done, verified, where the credentials live: the ending that stands once the Directory that the request names
    /// follows. It is recorded with the wait, and its claim closed then.
    pub outstanding: Option<Box<Ending>>,
    /// The Directory that it waits for, where the one that the request names leads there.
    pub elsewhere: Option<String>,
}
