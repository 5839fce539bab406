//! Why a call by HTTP has no result, and where that leaves it. What an answer means is a provider's own table; what
//! follows from the meaning for a read and for a send is the same for all, and stands here.

use super::NoAnswer;
use crate::domain::account::{Failure, ReadFailure, Sent};

/// What a provider makes of an answer that is no result, as far as every call depends on it.
pub(in crate::directory) trait Meaning {
    /// Whether it says that there is no such account or record.
    fn is_missing(&self) -> bool;

    /// Where it leaves a call that changes something.
    fn doubt(&self) -> Doubt;
}

/// Whether something was done by a call whose answer is no result.
pub(in crate::directory) enum Doubt {
    /// It was turned away before it was looked at.
    NotSent,
    /// It was looked at, and certainly not done.
    Refused,
    /// That cannot be told.
    Unknown,
}

/// Why there is no result.
#[derive(Clone, Debug)]
pub(in crate::directory) struct Refusal<M> {
    /// What the answer means; `None` where there was none, or none that was understood.
    pub(in crate::directory) meaning: Option<M>,
    /// Without a meaning: whether the request may have been carried out.
    sent: bool,
    /// What is told of it.
    pub(in crate::directory) failure: Failure,
}

impl<M> Refusal<M> {
    /// Nothing of the call was sent.
    pub(in crate::directory) fn not_sent(failure: Failure) -> Self {
        NoAnswer::NotSent(failure).into()
    }

    /// There was an answer, with this meaning.
    pub(in crate::directory) fn answered(meaning: M, failure: Failure) -> Self {
        Refusal {
            meaning: Some(meaning),
            sent: true,
            failure,
        }
    }
}

impl<M> From<NoAnswer> for Refusal<M> {
    fn from(no_answer: NoAnswer) -> Self {
        Refusal {
            meaning: None,
            sent: matches!(no_answer, NoAnswer::Lost(_)),
            failure: no_answer.into_failure(),
        }
    }
}

/// An answer that made no sense. What was sent for it may have been carried out.
impl<M> From<Failure> for Refusal<M> {
    fn from(failure: Failure) -> Self {
        NoAnswer::Lost(failure).into()
    }
}

impl<M: Meaning> From<Refusal<M>> for ReadFailure {
    fn from(refusal: Refusal<M>) -> Self {
        match refusal.meaning {
            Some(meaning) if meaning.is_missing() => ReadFailure::NotFound,
            _ => ReadFailure::Failed(refusal.failure),
        }
    }
}

impl<M: Meaning> From<Refusal<M>> for Sent {
    fn from(refusal: Refusal<M>) -> Self {
        let doubt = match refusal.meaning {
            Some(meaning) => meaning.doubt(),
            None if refusal.sent => Doubt::Unknown,
            None => Doubt::NotSent,
        };
        match doubt {
            Doubt::NotSent => Sent::NotSent(refusal.failure),
            Doubt::Refused => Sent::Refused(refusal.failure),
            Doubt::Unknown => Sent::Unknown(refusal.failure),
        }
    }
}
