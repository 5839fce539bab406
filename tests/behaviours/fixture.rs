//! What a provider brings to the suite: its server, people on it, and looks behind the operator's back.
//!
//! To add a provider called `acme`:
//!
//! 1. Start the real server in `testkit`, or its simulation in `sandbox`.
//! 2. Write `acme.rs` beside this file: a type that implements [`Fixture`], and `pub fn start() ->
//!    anyhow::Result<Box<dyn Fixture>>`, whose error is [`testkit::skip::Missing`] where a machine cannot have the
//!    server: the rows are then skipped. Everything is asked of the server itself, by another client than
//!    the operator's: what the operator says of itself is judged by it.
//! 3. For faults a [`Way`]: [`super::way`] has one over `testkit::proxy` for LDAP and for HTTP.
//! 4. Add it to `PROVIDERS` in `providers.rs`, which the search for secrets goes over too, run `READMIT_UPDATE_DOCS=1
//!    cargo test --test behaviours`, and look at what `docs/providers.md` says then.
//!
//! All rows run at the same time against one server, each on people of its own; a method that changes the server as a
//! whole has no place here. Rows know no provider: what one cannot do it declares ([`Fixture::unable`] where requests
//! end as NotCapable, [`Lacking`] where the directory has no such thing at all), and the reason stands in the matrix.

use readmit::domain::account::Step;
use serde_json::Value;
use testkit::proxy::Fault;

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Person {
    /// What requests name the account by.
    pub login: String,
    /// The upstream's immutable id.
    pub id: String,
    /// The address that the upstream holds.
    pub email: String,
    /// The password in force when the account was made.
    pub password: String,
    /// What the fixture knows the account by: a DN, a path.
    pub handle: String,
}

/// Why a directory has no such thing, as the matrix says it: "OpenLDAP has no disabled accounts".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lacking(pub &'static str);

/// How a sign-in ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// In.
    Welcome,
    /// The password is right, and a new one must be chosen before anything else.
    MustChange,
    /// Not in: a wrong password, a lock, a disabled account. Counts as a wrong sign-in where the server counts.
    Refused,
}

/// A credential that the server refuses.
pub struct Wrong {
    /// Secret and Directory of the name that was asked for.
    pub manifests: Vec<Value>,
    /// The Secret put right.
    pub repaired: Vec<Value>,
}

/// A provider's server, and everything that is to be known about it.
pub trait Fixture: Send + Sync {
    /// The provider's name in lower case, as in [`crate::providers::PROVIDERS`]; also the name of the shared Directory and of the
    /// namespace of all requests.
    fn provider(&self) -> &'static str;

    /// Secrets (in `readmit-system`, beginning with this name) and one Directory of this name, with the settings that
    /// the documentation asks for. It leads to the server by this way, or directly.
    fn directory(&self, name: &str, way: Option<&dyn Way>) -> Vec<Value>;

    /// Makes an ordinary account, enabled, with a password that needs no change. `name` has at most 16 characters; the
    /// address is `<name>@example.com`. `alice` is asked for once, for the row about one's own account; a server that
    /// has her already gives her.
    fn person(&self, name: &str) -> Person;

    /// Names for [`Fixture::person`] that are syntax somewhere (in a filter, a DN, a path) and that the server takes.
    fn odd_names(&self) -> Vec<String>;

    /// The fewest calls that an unlock takes, from looking the account up to reading it back.
    fn calls_per_unlock(&self) -> u32 {
        3
    }

    /// Two accounts with one address.
    fn twins(&self, name: &str) -> Result<[Person; 2], Lacking>;

    /// A locked account that the provider itself protects, and what those are told who may inspect the Directory.
    fn protected(&self, name: &str) -> (Person, &'static str);

    /// A disabled account, locked or not.
    fn disabled(&self, name: &str, locked: bool) -> Result<Person, Lacking>;

    /// Locks an account as the server itself does it, by wrong passwords where that is possible.
    fn lock(&self, person: &Person);

    /// Tries to sign in as the account's owner, once.
    fn sign_in(&self, person: &Person, password: &str) -> SignIn;

    /// The owner chooses a new password, where `sign_in` says that it must be changed.
    fn choose_password(&self, person: &Person, old: &str, new: &str) -> Result<(), Lacking>;

    /// How many messages with a reset link the owner has got. Never asked where links are not sent.
    fn links(&self, person: &Person) -> usize;

    /// The owner opens the newest link and chooses a password. Never asked where links are not sent.
    fn follow_link(&self, person: &Person, new: &str);

    /// Opens a session as the owner, who knows the password.
    fn open_session(&self, person: &Person) -> Result<(), Lacking>;

    /// How many sessions of the account are open.
    fn sessions(&self, person: &Person) -> usize;

    /// What the operator sent to change this account, by the server's own records: refused and lost ones included,
    /// oldest first; empty if and only if nothing was sent. The words are for people who read a failure.
    fn writes(&self, person: &Person) -> Vec<String>;

    /// How often the operator really set the account's password, by the server's own records.
    fn passwords(&self, person: &Person) -> usize;

    /// Whether a person's unlock goes through the account's ledger: where it could do more than clear a lock.
    fn claims_unlocks(&self) -> bool {
        false
    }

    /// Where the directory has no call that unlocks: what a request then waits for, as the matrix says it.
    fn by_hand(&self) -> Option<&'static str> {
        None
    }

    /// An administrator clears the lock in the vendor's console, of the account that a request names. Never asked where
    /// unlocks are calls.
    fn clear_by_hand(&self, account: &Value) {
        unreachable!("{} clears locks by calls: {account}", self.provider())
    }

    /// Why a request for this step ends as NotCapable, as its message says it; `None` where it can be done. Asked about
    /// SetPassword, SendLink and RequireChange.
    fn unable(&self, step: Step) -> Option<&'static str>;

    /// Why a set password or a sent link whose reply was lost cannot be recognised, so that such a request ends as
    /// OutcomeUnknown; `None` where it can. Asked about SetPassword and SendLink.
    fn unproven(&self, step: Step) -> Option<&'static str>;

    /// A new way to the server, with faults of its own.
    fn way(&self) -> Box<dyn Way>;

    /// A Directory of this name with a credential that the server refuses: of an identity that nothing else uses, so
    /// that [`Fixture::refusals`] counts only it.
    fn wrong_credential(&self, name: &str) -> Wrong;

    /// How often the server has refused the credential of [`Fixture::wrong_credential`].
    fn refusals(&self) -> usize;
}

/// A way to the server on which things can be made to go wrong.
pub trait Way: Send + Sync {
    /// Where the Directory leads to: what stands in its `url`.
    fn url(&self) -> String;

    /// The certificates that the Directory must trust on this way, where they are not the server's own.
    fn ca_pem(&self) -> Option<&str>;

    /// Something goes wrong with the next request of the operator that changes this account.
    fn strike(&self, person: &Person, fault: Fault) -> Result<(), Lacking>;

    /// How many faults have struck requests about this account, so that no row passes without its fault.
    fn struck(&self, person: &Person) -> usize;
}
