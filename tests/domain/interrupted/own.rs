//! Claims of our own, some of them taken over meanwhile.

use super::*;

#[test]
fn who_wrote_a_claim_knows_what_it_sent() {
    use Step::{RequireChange, Unlock};
    let change = || reset("a", ChangeAtNextSignIn);
    let link = || reset("a", Link);
    check(
        true,
        vec![
            (
                "nothing was sent",
                change(),
                protected,
                (Denied, NotEligible),
                "nothing was done: the account is not eligible any more",
                Refund,
            ),
            (
                "nothing was sent, and a change is required anyway",
                change(),
                |s| {
                    must_change(s);
                    protected(s);
                },
                (Denied, NotEligible),
                "nothing was done: the account is not eligible any more",
                Refund,
            ),
            (
                "nothing was sent since it was taken over",
                change(),
                |s| {
                    s.progress.claim.as_mut().unwrap().claim.deadline += SignedDuration::from_mins(1);
                    protected(s);
                },
                (Unknown, OutcomeUnknown),
                "what may have been sent leaves no trace",
                Closing::Unknown,
            ),
            (
                "the lock was cleared",
                change(),
                |s| {
                    sent(s, Unlock, Sent::Done);
                    not_locked(s);
                    protected(s);
                },
                (Failed, NotEligible),
                "the lock was cleared, and nothing else was done",
                Refund,
            ),
            (
                "the owner has changed the password since",
                change(),
                |s| {
                    sent(s, Unlock, Sent::Done);
                    sent(s, RequireChange, Sent::Done);
                    not_locked(s);
                    protected(s);
                },
                (Failed, NotEligible),
                "the reset was done, but not finished",
                Done,
            ),
            (
                "the reply about the change was lost",
                change(),
                |s| {
                    sent(s, Unlock, Sent::Done);
                    sent(s, RequireChange, lost());
                    not_locked(s);
                    protected(s);
                },
                (Unknown, OutcomeUnknown),
                "the lock was cleared; whatever else may have been sent leaves no trace",
                Closing::Unknown,
            ),
            (
                "the change was refused",
                change(),
                |s| {
                    sent(s, Unlock, Sent::Done);
                    sent(s, RequireChange, refused());
                },
                (Failed, Reason::Refused),
                "the lock was cleared, but the directory refused RequireChange: no",
                Refund,
            ),
            (
                "the change was refused since the claim was taken over",
                change(),
                |s| {
                    s.progress.claim.as_mut().unwrap().claim.deadline += SignedDuration::from_mins(1);
                    sent(s, Unlock, Sent::Done);
                    sent(s, RequireChange, refused());
                },
                (Failed, Reason::Refused),
                "no; whether a change of the password was required before is not known",
                Done,
            ),
            (
                "an unlock was refused since the claim was taken over, and the lock has no stamp",
                timed(),
                |s| {
                    let claim = &mut s.progress.claim.as_mut().unwrap().claim;
                    claim.deadline += SignedDuration::from_mins(1);
                    claim.lock_stamp = None;
                    sent(s, Unlock, refused());
                },
                (Failed, Reason::Refused),
                "no; whether a lock was cleared before is not known",
                Done,
            ),
            (
                "the change was refused after a reply was lost",
                change(),
                |s| {
                    sent(s, Unlock, Sent::Done);
                    sent(s, RequireChange, lost());
                    sent(s, RequireChange, refused());
                },
                (Failed, Reason::Refused),
                "no; whether a change of the password was required before is not known",
                Done,
            ),
            (
                "the reply about the lock was lost, and it may be cleared late",
                link(),
                |s| {
                    sent(s, Unlock, lost());
                    s.progress.claim.as_mut().unwrap().quiet_for = Duration::from_secs(1);
                    protected(s);
                },
                (Failed, NotEligible),
                "whether the lock was cleared is not known, and nothing else was done",
                Refund,
            ),
            (
                "the reply about the lock was lost, and it is still there",
                link(),
                |s| {
                    sent(s, Unlock, lost());
                    protected(s);
                },
                (Denied, NotEligible),
                "nothing was done",
                Refund,
            ),
        ],
    );
}
