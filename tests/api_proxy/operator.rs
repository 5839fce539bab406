//! An operator behind the proxy: whatever becomes of its writes to the API server, there is one effect, and its status
//! says so.

use crate::support::{
    lab::{Lab, RESET, SOON, UNLOCK, check, policy, reset, unlock},
    stage::Operator,
};
use sandbox::{SEED_PASSWORD, SeedUser, Status};
use std::time::Duration;
use testkit::{
    api_proxy::{ApiProxy, Fault, Matcher, Rule},
    wait,
};

/// Which write of the operator about a request of this name.
type Which = fn(&str) -> Matcher;

/// Two resets of one account, one after the other, since its first claim is a create and a later one replaces. The first
/// such write of each request meets the fault.
struct Case {
    name: String,
    matcher: fn(&str) -> Matcher,
    fault: Fault,
}

/// The write of a claim names its request.
fn claim(request: &str) -> Matcher {
    let named = format!("\"{request}\"");
    Matcher::writes().resource("accounts").body(&named)
}

fn status(request: &str) -> Matcher {
    Matcher::writes().resource(RESET).subresource("status").name(request)
}

fn cases() -> Vec<Case> {
    let writes: [(&str, Which); 2] = [("claim", claim), ("status", status)];
    let faults = [
        ("reply-lost", Fault::LoseReply),
        ("lost", Fault::Lose),
        ("409", Fault::Answer(409)),
        ("409-after", Fault::AnswerAfter(409)),
        ("429", Fault::Answer(429)),
        ("500", Fault::Answer(500)),
        ("500-after", Fault::AnswerAfter(500)),
    ];
    let all = writes
        .into_iter()
        .flat_map(|write| faults.iter().map(move |fault| (write, fault)));
    // A conflict of a status write says that the object is gone: no API server says so of one that is there.
    let honest = all.filter(|((write, _), (_, fault))| *write != "status" || *fault != Fault::Answer(409));
    honest
        .map(|((write, matcher), (name, fault))| Case {
            name: format!("{write}-{name}"),
            matcher,
            fault: fault.clone(),
        })
        .collect()
}

impl Case {
    fn login(&self) -> String {
        format!("{}@example.com", self.name)
    }

    /// One reset whose write meets the fault; so many links were mailed to the account by then.
    fn check(&self, lab: &Lab, proxy: &ApiProxy, operator: &Operator, n: usize) {
        let request = format!("{}-{n}", self.name);
        let rule = proxy.add(Rule::new((self.matcher)(&request), self.fault.clone()));
        lab.create("alice", &reset(&request, &self.login(), ""));
        check(&lab.finished(operator, RESET, &request), "Succeeded", "LinkSent", "");
        assert_eq!(proxy.struck(rule), 1, "{request}");
        let mails = lab.okta.mails().iter().filter(|mail| mail.to == self.login()).count();
        assert_eq!(mails, n, "{request}");
    }
}

#[test]
fn a_lost_write_or_reply_costs_time_only() {
    let Some(lab) = Lab::open() else { return };
    lab.admin(&policy("desk", "ResetPassword", ""));
    let proxy = ApiProxy::start(lab.plane).expect("a proxy");
    let kubeconfig = proxy.kubeconfig(lab.plane, "operator").expect("a kubeconfig");
    let operator = Operator::start_with(&kubeconfig, &[]);
    operator.wait_ready();
    lab.settle(&operator);
    let cases = cases();
    let people = cases
        .iter()
        .map(|case| SeedUser::new(&case.login(), Status::Active, Some(SEED_PASSWORD)));
    lab.okta.seed(people).expect("users");
    for case in &cases {
        for n in [1, 2] {
            case.check(&lab, &proxy, &operator, n);
        }
    }
}

/// A pipeline applies a reset and an unlock of one account together. Both read a locked account; the unlock is refused the
/// claim, and has looked at the ledger only once the reset is done. What it read before is not so any more.
#[test]
fn whoever_is_refused_a_claim_reads_the_account_again() {
    let Some(lab) = Lab::open() else { return };
    lab.admin(&policy("desk", "Unlock, ResetPassword", ""));
    let login = "both@example.com";
    lab.okta
        .seed([SeedUser::new(login, Status::LockedOut, Some(SEED_PASSWORD))])
        .expect("a user");
    let proxy = ApiProxy::start(lab.plane).expect("a proxy");
    let kubeconfig = proxy.kubeconfig(lab.plane, "operator").expect("a kubeconfig");
    // The claim is written late: there must be time left to act under it, and what was read before must count as fresh.
    let timing = [
        ("READMIT_EFFECT_DEADLINE", "20s"),
        ("READMIT_QUARANTINE", "60s"),
        ("READMIT_READING_AGE", "10s"),
    ];
    let operator = Operator::start_with(&kubeconfig, &timing);
    operator.wait_ready();
    lab.settle(&operator);
    let late = |matcher, seconds| proxy.add(Rule::new(matcher, Fault::Delay(Duration::from_secs(seconds))));
    let first = late(claim("first"), 2);
    lab.create("alice", &reset("first", login, ""));
    wait::until("the reset's claim to be on its way", SOON, || {
        (proxy.struck(first) == 1).then_some(())
    })
    .expect("it claims");
    // Every look, since one may be another's.
    let look = Matcher::any().method("GET").resource("accounts");
    proxy.add(Rule::new(look, Fault::Delay(Duration::from_secs(2))).always());
    // With notAfter an unlock acts under a claim, too.
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(10);
    lab.create("alice", &unlock("second", login, &format!("notAfter: '{soon:.0}'")));
    check(&lab.finished(&operator, RESET, "first"), "Succeeded", "LinkSent", "");
    check(&lab.finished(&operator, UNLOCK, "second"), "Succeeded", "NotLocked", "");
    assert_eq!(lab.applied("/lifecycle/unlock").len(), 1);
}
