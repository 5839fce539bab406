//! Claims that another process wrote.

use super::*;

#[test]
fn who_finds_a_claim_says_only_what_the_account_shows() {
    let change = || reset("a", ChangeAtNextSignIn);
    let temporary = || reset("a", TemporaryPassword);
    check(
        false,
        vec![
            (
                "the change is required, and only sessions are left",
                change(),
                |s| {
                    must_change(s);
                    not_locked(s);
                    protected(s);
                },
                (Failed, NotEligible),
                "the reset was done, but not finished: the account is not eligible any more",
                Done,
            ),
            (
                "the change is required, and the lock is left",
                change(),
                |s| {
                    must_change(s);
                    too_late(s);
                },
                (Failed, Reason::Expired),
                "the reset was done, but not finished: its time is over",
                Done,
            ),
            (
                "the change is not required, or not any more",
                change(),
                protected,
                (Unknown, OutcomeUnknown),
                "what may have been sent leaves no trace, and nothing more is sent, since the account is not eligible any more",
                Closing::Unknown,
            ),
            (
                "the same, and whether it is required cannot be read",
                change(),
                |s| {
                    s.found.as_mut().unwrap().must_change = None;
                    too_late(s);
                },
                (Unknown, OutcomeUnknown),
                "what may have been sent leaves no trace",
                Closing::Unknown,
            ),
            (
                "only the cleared lock is to be seen",
                change(),
                |s| {
                    not_locked(s);
                    too_late(s);
                },
                (Unknown, OutcomeUnknown),
                "the lock was cleared; whatever else may have been sent leaves no trace",
                Closing::Unknown,
            ),
            (
                "a lock without a stamp is gone, whoever it was",
                temporary(),
                |s| {
                    s.progress.claim.as_mut().unwrap().claim.lock_stamp = None;
                    not_locked(s);
                    protected(s);
                },
                (Failed, NotEligible),
                "whether the lock was cleared is not known, and nothing else was done",
                Refund,
            ),
            (
                "the lock cannot be read any more",
                timed(),
                |s| {
                    unreadable(s);
                    too_late(s);
                },
                (Unknown, OutcomeUnknown),
                "the lock state cannot be read: no right",
                Closing::Unknown,
            ),
            (
                "the same, after the password was set",
                temporary(),
                |s| {
                    marked(s);
                    unreadable(s);
                },
                (Unknown, OutcomeUnknown),
                "the reset was done; whether the account is locked is not known",
                Done,
            ),
            (
                "a reset that clears the lock by itself, and another lock",
                temporary(),
                |s| {
                    marked(s);
                    s.directory.as_mut().unwrap().capabilities.reset_unlocks = true;
                },
                (Failed, Reason::LockedAgain),
                "the reset was done, and the account was locked anew",
                Done,
            ),
            (
                "the lock is the one that was there",
                timed(),
                too_late,
                (Expired, Reason::Expired),
                "nothing was done: its time is over",
                Refund,
            ),
        ],
    );
}
