//! The places at which the crash sweep kills, stops, delays or deceives this process: before and after every write to the
//! API server and every send to a directory, named in one closed list. Without the feature `failpoints` nothing of it is
//! compiled but the words at those places; release builds cannot have it. No decision belongs here.

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("the feature failpoints is for the crash sweep; it must not be in a release build");

#[cfg(feature = "failpoints")]
mod armed;

#[cfg(feature = "failpoints")]
pub use armed::{Lose, around, offset};

/// A write to the API server or a send to a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A claim is written into a ledger for the first time.
    LedgerClaim,
    /// A claim is written again: taken over, or with the note about its proof.
    LedgerRenew,
    /// A claim is closed at once, by the sweeper or because nothing was done under it.
    LedgerClose,
    /// What can wait is written into an Account: a result some time after it was recorded, a lock that is shown.
    LedgerFlush,
    /// An Account with nothing to remember is deleted.
    AccountDelete,
    /// A request's ending is recorded.
    StatusEnd,
    /// A request's wait is shown.
    StatusWait,
    /// The status of a Directory or an AccountPolicy.
    StatusOther,
    /// A warning on an object.
    Event,
    /// A finished request is deleted after its time.
    RequestDelete,
    /// The key of the day is created.
    DayKeyCreate,
    /// A day key past its time is destroyed.
    DayKeyDelete,
    /// The lease is created or taken.
    LeaseTake,
    /// The lease is renewed.
    LeaseRenew,
    /// The lease is let go.
    LeaseRelease,
    /// The ConfigMap that says since when identity is enforced.
    Enforcement,
    /// An unlock is sent.
    SendUnlock,
    /// A password is sent.
    SendPassword,
    /// A reset link is asked for.
    SendLink,
    /// A change of password is required.
    SendChange,
    /// Sessions are ended.
    SendRevoke,
    /// The one sign-in that proves whose password is in force.
    SendProof,
}

impl Place {
    /// Every place. The sweep enumerates this list.
    pub const ALL: [Place; 22] = [
        Place::LedgerClaim,
        Place::LedgerRenew,
        Place::LedgerClose,
        Place::LedgerFlush,
        Place::AccountDelete,
        Place::StatusEnd,
        Place::StatusWait,
        Place::StatusOther,
        Place::Event,
        Place::RequestDelete,
        Place::DayKeyCreate,
        Place::DayKeyDelete,
        Place::LeaseTake,
        Place::LeaseRenew,
        Place::LeaseRelease,
        Place::Enforcement,
        Place::SendUnlock,
        Place::SendPassword,
        Place::SendLink,
        Place::SendChange,
        Place::SendRevoke,
        Place::SendProof,
    ];

    /// The name in cases and in the file of actions: `ledger-claim`.
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }
}

/// Makes a call: the place matters to the crash sweep only.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn around<F: Future>(_: Place, call: F) -> F {
    call
}
