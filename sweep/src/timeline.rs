//! A history in a few lines, for whoever reads that a case failed and has nothing but what was printed. Nothing is judged
//! here.

use crate::history::{Event, What};
use serde_json::Value;

/// What happened, a line each, in milliseconds since the first thing that did.
pub fn of(events: &[Event]) -> Vec<String> {
    let mut begun = None;
    let mut lines = Vec::new();
    for event in events {
        let (at, what) = told(event);
        let time = at.map(|at| format!("{:>6} ms", at - *begun.get_or_insert(at)));
        let time = time.unwrap_or_else(|| " ".repeat(9));
        lines.extend(what.into_iter().map(|what| format!("{time}  {what}")));
    }
    lines
}

/// When it happened, where that is known, and what.
fn told(event: &Event) -> (Option<i64>, Vec<String>) {
    match event {
        Event::Case { seed, .. } => (None, vec![format!("seed of the case {seed}")]),
        Event::Request {
            at,
            kind,
            name,
            account,
            ..
        } => (Some(*at), vec![format!("{kind} {name} about {account} created")]),
        Event::Status { at, status, .. } => (Some(*at), vec![format!("status: {}", standing(status))]),
        Event::Gone { at, .. } => (Some(*at), vec!["the request is gone".into()]),
        Event::Process { at, process, what } => (Some(*at), vec![format!("{process} {}", became(what))]),
        Event::Changed { at, what } => (Some(*at), vec![format!("changed: {what}")]),
        Event::Audit { at, process, line } => (Some(*at), vec![format!("{process} {}", noted(line))]),
        Event::Ledger { at, ledger, .. } => (Some(*at), vec![format!("ledger: {}", entries(ledger))]),
        Event::Effect(effect) => {
            let (step, by, changed) = (effect.step, effect.by, effect.changed);
            (
                effect.at,
                vec![format!("{step:?} took effect, by {by:?}, changed {changed}")],
            )
        }
        Event::Account {
            locked, must_change, ..
        } => {
            let what = format!("in the end: locked {locked}, must change the password {must_change}");
            (None, vec![what])
        }
        Event::Delivered { in_force, .. } => (None, vec![format!("what was delivered is in force: {in_force}")]),
        Event::GaveUp { at, what } => (Some(*at), vec![format!("the runner gave up: {what}")]),
        Event::Log { at, process, lines } => {
            let said = lines.iter().map(|line| format!("{process} said: {line}"));
            (Some(*at), said.collect())
        }
        Event::End { at, .. } => (Some(*at), vec!["the end".into()]),
    }
}

fn became(what: &What) -> String {
    match what {
        What::Struck(point) => format!("reached {point}"),
        What::Exited(code) => format!("exited with {code}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// How a request stands: its outcome, and why.
fn standing(status: &Value) -> String {
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    let words = [
        status["outcome"].as_str(),
        ready.and_then(|ready| ready["reason"].as_str()),
        ready.and_then(|ready| ready["message"].as_str()),
    ];
    Vec::from_iter(words.into_iter().flatten()).join(", ")
}

/// The fields of an audit line that tell what was done.
fn noted(line: &Value) -> String {
    let fields = ["event", "step", "result", "reason", "message", "detail"];
    let words = fields.iter().filter_map(|field| line[field].as_str());
    Vec::from_iter(words.filter(|word| !word.is_empty())).join(", ")
}

/// The entries of a ledger: closed with what, or claimed by which writing until when.
fn entries(ledger: &Value) -> String {
    let entries = ledger.as_array().map(Vec::as_slice).unwrap_or_default();
    let words = entries.iter().map(|entry| {
        let claim = &entry["claim"];
        match (entry["outcome"].as_str(), claim["writer"].as_str()) {
            (Some(outcome), _) => outcome.to_owned(),
            (None, Some(writer)) => format!(
                "claimed by {writer} until {}",
                claim["deadline"].as_str().unwrap_or("?")
            ),
            (None, None) => "open".to_owned(),
        }
    });
    Vec::from_iter(words).join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_happened_is_told_in_short() {
        let condition = json!({"type": "Ready", "reason": "AwaitingReadBack", "message": "it is read back"});
        let claim = json!({"writer": "w", "deadline": "2026-01-01T00:00:00Z"});
        let audit = json!({"event": "result", "step": "SetPassword", "result": "Done", "message": ""});
        for (event, expected) in [
            (
                json!({"event": "status", "at": 1000, "uid": "u", "status": {"conditions": [condition]}}),
                vec!["     0 ms  status: AwaitingReadBack, it is read back"],
            ),
            (
                json!({"event": "ledger", "at": 1, "account": "a", "ledger": [{"outcome": "Done"}, {"claim": claim}]}),
                vec!["     0 ms  ledger: Done; claimed by w until 2026-01-01T00:00:00Z"],
            ),
            (
                json!({"event": "audit", "at": 1, "process": "a1", "line": audit}),
                vec!["     0 ms  a1 result, SetPassword, Done"],
            ),
            (
                json!({"event": "process", "at": 1, "process": "a1", "what": {"struck": "send-link.after"}}),
                vec!["     0 ms  a1 reached send-link.after"],
            ),
            (
                json!({"event": "process", "at": 1, "process": "a1", "what": "killed"}),
                vec!["     0 ms  a1 killed"],
            ),
            (
                json!({"event": "log", "at": 1, "process": "b1", "lines": ["one", "two"]}),
                vec!["     0 ms  b1 said: one", "     0 ms  b1 said: two"],
            ),
        ] {
            let event: Event = serde_json::from_value(event).expect("an event");
            assert_eq!(of(&[event]), expected);
        }
        let times = [7, 9].map(|at| serde_json::from_value(json!({"event": "gone", "at": at, "uid": "u"})).unwrap());
        assert_eq!(
            of(&times),
            ["     0 ms  the request is gone", "     2 ms  the request is gone"]
        );
    }
}
