//! One case as data: who runs, what is asked for, what goes wrong, what is changed meanwhile. It is written into the
//! case's history, so that the checker knows what was meant.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A case of the sweep.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Case {
    /// Unique, made of what the case does: `okta/temporary/send-password.after/kill`.
    pub name: String,
    /// Which operators run.
    pub crew: Crew,
    /// What is asked for, all at once.
    pub asks: Vec<Ask>,
    /// What goes wrong.
    pub trouble: Trouble,
    /// What somebody changes, in order: once the trouble has struck, or once the request was created where none does.
    pub changes: Vec<Change>,
    /// Armed in the operator that goes on after the first trouble.
    pub second: Option<Strike>,
    /// What must be so before the case begins.
    pub given: Vec<Given>,
}

/// Which operators run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Crew {
    /// One without a lease: its successor acts at once, so that only the claim keeps it from a second effect.
    Solo,
    /// Two without a lease: both act on everything.
    Rivals,
    /// One with a lease.
    Leader,
    /// Two that take turns by the lease.
    Pair,
}

/// A directory of the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Upstream {
    /// The simulated Okta. It shows no marker.
    Okta,
    /// A real slapd.
    OpenLdap,
    /// The simulated Okta, for accounts whose credentials live in the real slapd.
    Routed,
}

/// One request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ask {
    /// In which directory.
    pub upstream: Upstream,
    /// What for.
    pub work: Work,
    /// Whose account: requests of one case with the same number are about the same account.
    pub account: usize,
    /// Whether the account is locked at first.
    pub locked: bool,
    /// `spec.notAfter`, so many seconds from its creation.
    pub seconds: Option<i64>,
    /// Whether `spec.suspend` is set at first.
    pub suspended: bool,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Work {
    /// An unlock without a claim.
    Unlock,
    /// An unlock that carries `notAfter`, and so acts under a claim.
    ClaimedUnlock,
    /// A temporary password.
    Temporary,
    /// A reset link.
    Link,
    /// A change at the next sign-in.
    Change,
    /// Something that the policy denies.
    Denied,
}

/// What goes wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Trouble {
    /// Nothing but the changes of the case.
    None,
    /// At a failpoint.
    At(Strike),
    /// The directory misbehaves, at the next call whose path ends so.
    Upstream { path: String, fault: Fault },
    /// Something happens to the API server, at some moment after the request was created.
    ApiServer(Outage),
    /// A write to the API server meets a fault on its way.
    Write { write: Write, fault: OnTheWay },
    /// The process is ended in an orderly way once this failpoint was passed.
    Term(String),
}

/// A failpoint and what happens there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Strike {
    /// `PLACE.before` or `PLACE.after`.
    pub point: String,
    /// What.
    pub blow: Blow,
}

/// What happens at a failpoint, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Blow {
    /// SIGKILL, then a new process.
    Kill,
    /// A panic there, which must end the process; then a new process.
    Panic,
    /// SIGSTOP for longer than lease, deadline and quarantine, then SIGCONT.
    Stop,
    /// The caller is told that the reply was lost; `before` the call was not even made.
    Lost,
    /// The call waits for longer than the deadline.
    Delay,
    /// Nothing: only that it was passed is noticed.
    Watch,
}

/// How a directory misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The connection closes; the call was not applied.
    LostBeforeCommit,
    /// The connection closes; the call was applied.
    LostAfterCommit,
    /// The connection closes; applied later, within the quarantine.
    LateCommit,
    /// 500, and it was applied.
    ErrorApplied,
    /// 500, and it was not.
    ErrorNotApplied,
    /// 429.
    RateLimited,
    /// 503.
    Unavailable,
    /// Applied, with an answer that breaks off.
    Malformed,
    /// Answered after the timeout; applied at once.
    SlowAnswer,
    /// The directory's process is frozen for a while (slapd).
    Frozen,
}

/// What happens to the API server, or to the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outage {
    /// Killed and started again.
    Restart,
    /// Frozen for longer than lease and deadline.
    Freeze,
    /// The first operator cannot reach it for as long; the others can.
    Partition,
    /// Every call of every operator takes longer.
    Slow,
    /// The first operator learns of changes late: what it sees is stale.
    LateWatches,
    /// All connections are cut.
    Cut,
}

/// A write to the API server, as seen on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Write {
    /// Of an Account.
    Ledger,
    /// Of the status of a request.
    Status,
    /// Of the lease.
    Lease,
}

/// What a write meets on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnTheWay {
    /// It never arrives, and nobody says so.
    Lost,
    /// It is committed, and nobody says so.
    ReplyLost,
    /// It is committed, nobody says so, and whoever asks what became of it gets no answer either.
    ReplyAndLookUpLost,
    /// As before, and changes are told late: the writer tries again before it can know.
    TriedAgain,
    /// It is committed, and a 500 is answered.
    ErrorApplied,
    /// It is committed, and a 504 is answered.
    TimeoutApplied,
    /// It is committed, and a 409 is answered.
    ConflictApplied,
    /// A 429 is answered.
    TooMany,
    /// It arrives late.
    Late,
    /// Its answer arrives late.
    LateAnswer,
}

/// What somebody changes meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// The first request is deleted.
    Delete,
    /// The first request's manifest is created again, as it was.
    Recreate,
    /// The policy is deleted; restored after the case.
    DropPolicy,
    /// The right to use policies is taken away; restored after the case.
    DropRights,
    /// The Directory is suspended; restored after the case.
    SuspendDirectory,
    /// The request is suspended.
    Suspend,
    /// And goes on.
    Resume,
    /// The owner changes the password.
    OwnPassword,
    /// The account is locked anew.
    LockAgain,
    /// Somebody clears the lock of the account that is named, in Okta's console.
    ClearNamed,
    /// The day key is deleted.
    DropDayKey,
    /// The admission policies are deleted; restored after the case.
    DropAdmission,
    /// The wall clock of every operator jumps by so many seconds until the case ends.
    WallClock(i64),
    /// The boot-time clock jumps forward by so many seconds, as after a suspended machine.
    BootClock(i64),
    /// Every operator is stopped, wherever it is.
    Stop,
    /// So many milliseconds pass.
    Pause(u64),
}

/// What must be so before a case begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Given {
    /// There is no day key, and no operator remembers one.
    NoDayKey,
    /// A day key past its time lies about.
    OldDayKey,
    /// There is no record of since when identity is enforced.
    NoEnforcementRecord,
    /// A Directory whose status is still to be written.
    NewDirectory,
    /// A finished request past its `ttlAfterFinished`.
    ExpiredRequest,
    /// An Account with nothing to remember.
    EmptyAccount,
    /// There is no Lease.
    NoLease,
    /// The account that is named is locked too, which nothing done elsewhere ends.
    NamedLocked,
    /// Readings of the account take long, though not too long.
    SlowReads,
    /// The operators are started with the trouble armed, and not before.
    FreshStart,
}

impl fmt::Display for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Crew::Solo => "solo",
            Crew::Rivals => "rivals",
            Crew::Leader => "leader",
            Crew::Pair => "pair",
        })
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Upstream::Okta => "okta",
            Upstream::OpenLdap => "openldap",
            Upstream::Routed => "routed",
        })
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Work::Unlock => "unlock",
            Work::ClaimedUnlock => "claimed-unlock",
            Work::Temporary => "temporary",
            Work::Link => "link",
            Work::Change => "change",
            Work::Denied => "denied",
        })
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Blow::Kill => "kill",
            Blow::Panic => "panic",
            Blow::Stop => "stop",
            Blow::Lost => "lost",
            Blow::Delay => "delay",
            Blow::Watch => "watch",
        })
    }
}

impl Crew {
    /// How many operators that are.
    pub fn count(self) -> usize {
        match self {
            Crew::Solo | Crew::Leader => 1,
            Crew::Rivals | Crew::Pair => 2,
        }
    }
}

impl Work {
    /// The kind of its requests.
    pub fn kind(self) -> &'static str {
        match self {
            Work::Unlock | Work::ClaimedUnlock => "AccountUnlockRequest",
            Work::Temporary | Work::Link | Work::Change | Work::Denied => "PasswordResetRequest",
        }
    }
}

impl Ask {
    /// One request about account 0, which is locked where that is what it is about.
    pub fn new(upstream: Upstream, work: Work) -> Self {
        Ask {
            upstream,
            work,
            account: 0,
            locked: matches!(work, Work::Unlock | Work::ClaimedUnlock),
            seconds: matches!(work, Work::ClaimedUnlock).then_some(600),
            suspended: false,
        }
    }
}

impl Case {
    /// A case with one request and one trouble.
    pub fn new(name: String, crew: Crew, ask: Ask, trouble: Trouble) -> Self {
        Case {
            name,
            crew,
            asks: vec![ask],
            trouble,
            changes: Vec::new(),
            second: None,
            given: Vec::new(),
        }
    }

    /// Every failpoint that the case must pass for its trouble to happen at all.
    pub fn points(&self) -> impl Iterator<Item = &str> {
        let first = match &self.trouble {
            Trouble::At(strike) => Some(strike.point.as_str()),
            Trouble::Term(point) => Some(point.as_str()),
            _ => None,
        };
        first
            .into_iter()
            .chain(self.second.iter().map(|strike| strike.point.as_str()))
    }
}
