//! Tells moments apart: a hash over everything that can matter later. Two operators that have changed places are the same
//! moment. What is left out cannot matter: texts that follow from what is in, times that nothing compares, and the memory
//! of checks that this program does not make.
//!
//! Structures are taken apart field by field, so that a new field does not compile until somebody has thought about it.

use crate::{
    simulation::{
        replica::{Found, Held, Next, Pass, Replica, Work},
        truth::Truth,
        world::{Object, World},
    },
    state::{Seat, State},
};
use jiff::Timestamp;
use readmit::{
    api::{
        RequestStatus,
        account::{Claim, LedgerEntry},
    },
    domain::{
        account::{AccountRead, LockState, Proof, ReadFailure},
        busy::Busy,
        decision::{Effect, Renewal},
        observed::{AccountSeen, ClaimSeen, Facts, Progress, Setback},
        request::Request,
    },
};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    mem::discriminant,
};

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.print());
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.print() == other.print()
    }
}

impl State {
    fn print(&self) -> u64 {
        let State {
            world,
            seats,
            left,
            current,
        } = self;
        let print = |index: usize| {
            let current = current.filter(|(seat, _)| *seat == index);
            of(|h| {
                current.map(|(_, request)| request).hash(h);
                seat(&seats[index], h);
            })
        };
        let mut seats = [print(0), print(1)];
        seats.sort_unstable();
        of(|h| {
            self::world(world, h);
            (seats, left).hash(h);
        })
    }
}

type Print = DefaultHasher;

fn of(print: impl FnOnce(&mut Print)) -> u64 {
    let mut hasher = DefaultHasher::new();
    print(&mut hasher);
    hasher.finish()
}

fn time(time: Timestamp, h: &mut Print) {
    h.write_i64(time.as_millisecond());
}

fn some<T>(value: Option<T>, h: &mut Print, print: impl FnOnce(T, &mut Print)) {
    h.write_u8(u8::from(value.is_some()));
    if let Some(value) = value {
        print(value, h);
    }
}

fn all<T>(values: impl IntoIterator<Item = T>, h: &mut Print, mut print: impl FnMut(T, &mut Print)) {
    for value in values {
        h.write_u8(1);
        print(value, h);
    }
    h.write_u8(0);
}

fn world(world: &World, h: &mut Print) {
    let World {
        now,
        upstream,
        object: account,
        version,
        requests,
        truth: really,
        nonces,
        // A scene does not change them.
        timing: _,
        policies: _,
        may_use: _,
        directory: _,
        named: _,
        enforcement: _,
        events: _,
        mutant: _,
    } = world;
    time(*now, h);
    (version, nonces).hash(h);
    (
        &upstream.password,
        upstream.marker,
        upstream.locked,
        upstream.must_change,
    )
        .hash(h);
    all(&upstream.late, h, |(at, uid, step, value), h| {
        time(*at, h);
        (uid, step, value).hash(h);
    });
    some(account.as_ref(), h, object);
    all(requests, h, |one, h| some(one.as_ref(), h, request));
    truth(really, h);
}

fn truth(truth: &Truth, h: &mut Print) {
    let Truth {
        effects,
        hidden,
        claimed,
        broken,
        // Stand in the requests; no directory deceives here.
        endings: _,
        deceived: _,
        pretended: _,
    } = truth;
    // In whatever order and when: everything happens within one day.
    let mut done: Vec<_> = effects.iter().map(|done| (&done.uid, done.step, &done.value)).collect();
    done.sort_unstable();
    (done, hidden, claimed).hash(h);
    all(broken, h, |(rule, _), h| rule.hash(h));
}

/// Of a request only its status changes.
fn request(request: &Request, h: &mut Print) {
    request.uid.hash(h);
    let RequestStatus {
        outcome,
        conditions,
        policy,
        account,
        named,
        lockout,
        delivery,
        observed_generation: _,
        start_time: _,
        completion_time: _,
        attempts: _,
    } = &request.status;
    some(outcome.as_ref(), h, |outcome, h| discriminant(outcome).hash(h));
    all(conditions, h, |one, h| (&one.status, &one.reason, &one.message).hash(h));
    (policy.is_some(), account.is_some(), named.is_some(), lockout.is_some()).hash(h);
    some(delivery.as_ref(), h, |delivery, h| delivery.sealed.hash(h));
}

fn object(object: &Object, h: &mut Print) {
    h.write_u64(object.version);
    all(&object.fields.ledger, h, entry);
}

fn entry(entry: &LedgerEntry, h: &mut Print) {
    let LedgerEntry {
        key,
        uid,
        time: charged,
        keep_until,
        outcome,
        claim: open,
        action: _,
        policy: _,
    } = entry;
    (key, uid).hash(h);
    time(*charged, h);
    time(*keep_until, h);
    some(outcome.as_ref(), h, |outcome, h| discriminant(outcome).hash(h));
    some(open.as_ref(), h, claim);
}

fn claim(claim: &Claim, h: &mut Print) {
    let Claim {
        nonce,
        writer,
        marker,
        lock_stamp,
        marked,
        proved,
        deadline,
        // The same for every claim of a request, or read by nobody.
        directory: _,
        named: _,
        kind: _,
        namespace: _,
        name: _,
        method: _,
        attempt: _,
        server: _,
        policy: _,
        derivation: _,
    } = claim;
    (nonce, writer, marker, lock_stamp, marked, proved).hash(h);
    // Whether it was taken over: a renewed one ends later.
    time(*deadline, h);
}

fn seat(seat: &Seat, h: &mut Print) {
    let Seat {
        replica: process,
        gates,
        paused,
        lagging,
    } = seat;
    replica(process, h);
    all(gates, h, |gate, h| some(*gate, h, time));
    some(*paused, h, time);
    some(lagging.as_ref(), h, |(since, requests), h| {
        time(*since, h);
        all(requests.iter().flatten(), h, request);
    });
}

fn replica(replica: &Replica, h: &mut Print) {
    all(&replica.works, h, |(uid, one), h| {
        uid.hash(h);
        work(one, h);
    });
    all(&replica.claims, h, |(_, found), h| {
        let Found {
            object,
            entry: open,
            since,
        } = found;
        h.write_u64(object.version);
        entry(open, h);
        time(*since, h);
    });
    replica.knows.hash(h);
    all(&replica.pending, h, |(uid, closing), h| {
        (uid, discriminant(closing)).hash(h)
    });
    some(replica.pending_since, h, time);
}

fn work(work: &Work, h: &mut Print) {
    progress(&work.progress, h);
    some(work.held.as_ref(), h, |held, h| {
        let Held {
            object: account,
            claim: own,
            until,
        } = held;
        object(account, h);
        claim(own, h);
        time(*until, h);
    });
    some(work.prepared.as_ref(), h, |prepared, h| {
        (&prepared.nonce, &prepared.value).hash(h)
    });
    some(work.rewritten.as_ref(), h, |(writer, until), h| {
        writer.hash(h);
        time(*until, h);
    });
    some(work.pass.as_deref(), h, pass);
}

fn progress(progress: &Progress, h: &mut Print) {
    let Progress {
        sends,
        claim: seen,
        failure,
        unread,
        waiting_since,
        unsaid_since,
        lockout,
        proof,
        proving,
        by_hand,
        busy,
        // Nobody waits for a turn here: the upstream's budget has no end.
        promise: _,
        target,
        plan,
        outstanding,
        led,
    } = progress;
    by_hand.hash(h);
    all(sends, h, |send, h| {
        time(send.at, h);
        (send.step, &send.lock_stamp, send.result.as_str()).hash(h);
    });
    some(seen.as_deref(), h, |seen, h| {
        let ClaimSeen {
            claim: one,
            charged,
            ours,
            usable,
            firm,
            quiet_for,
            account: _,
            id: _,
        } = seen;
        claim(one, h);
        time(*charged, h);
        (ours, usable, firm, quiet_for).hash(h);
    });
    let setback = |setback: &Setback, h: &mut Print| {
        time(setback.at, h);
        setback.count.hash(h);
    };
    some(failure.as_deref(), h, setback);
    all(unread.values(), h, setback);
    some(outstanding.as_ref(), h, |ending, h| ending.message.hash(h));
    some(*waiting_since, h, time);
    some(*unsaid_since, h, time);
    some(busy.as_ref(), h, |busy, h| {
        let Busy { ledger, waiting } = busy.as_ref();
        (ledger, discriminant(&waiting.reason), &waiting.message).hash(h);
        time(waiting.until, h);
    });
    (
        lockout.is_some(),
        proof.as_ref().map(|proof| *proof == Proof::Ours),
        proving,
        by_hand,
        target.is_some(),
        plan,
        led,
    )
        .hash(h);
}

fn pass(pass: &Pass, h: &mut Print) {
    request(&pass.request, h);
    let Facts {
        may_use,
        may_use_any,
        may_inspect,
        namespace_labels,
        readings,
        ledger,
        prepared,
        link_sent,
        claimed_elsewhere,
        turn: _,
    } = &pass.facts;
    (
        may_use,
        may_use_any,
        may_inspect,
        namespace_labels,
        link_sent,
        claimed_elsewhere,
    )
        .hash(h);
    prepared.is_some().hash(h);
    all(readings.values(), h, reading);
    some(ledger.as_ref(), h, |seen, h| {
        seen.resource_version.hash(h);
        all(seen.entries(), h, entry);
    });
    next(&pass.next, h);
}

fn reading(seen: &AccountSeen, h: &mut Print) {
    time(seen.at, h);
    h.write_usize(seen.after);
    match &seen.result {
        Ok(AccountRead {
            lock,
            must_change,
            password_marker,
            lock_stamp,
            ..
        }) => {
            (
                matches!(lock, LockState::Locked(_)),
                must_change,
                password_marker,
                lock_stamp,
            )
                .hash(h);
        }
        Err(ReadFailure::NotFound | ReadFailure::Ambiguous) => h.write_u8(2),
        Err(ReadFailure::Failed(_)) => h.write_u8(3),
    }
}

fn next(next: &Next, h: &mut Print) {
    discriminant(next).hash(h);
    match next {
        Next::Nothing => {}
        Next::Gather(fact) => discriminant(fact).hash(h),
        Next::Finish(ending) => {
            (
                discriminant(&ending.outcome),
                discriminant(&ending.reason),
                &ending.message,
            )
                .hash(h);
            (ending.deliver, ending.closing.as_ref().map(discriminant)).hash(h);
        }
        Next::Wait(waiting, pause) => {
            (discriminant(&waiting.reason), &waiting.message, pause.write.is_some()).hash(h);
            time(pause.until, h);
        }
        Next::Act(effect) => {
            discriminant(effect).hash(h);
            match effect {
                Effect::Claim(new) => {
                    entry(&new.entry, h);
                    all(&new.fields.ledger, h, entry);
                    (&new.resource_version, &new.plan).hash(h);
                }
                Effect::Renew(Renewal {
                    marked,
                    proved,
                    take_over,
                }) => (marked, proved, take_over).hash(h),
                Effect::Send { step, .. } => step.hash(h),
                Effect::Prove | Effect::Release => {}
            }
        }
    }
}
