//! How many calls the API server has answered, by its own count.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::ControlPlane;

/// Calls by verb and resource, with the subresource behind a slash: `PATCH accountunlockrequests/status`.
pub type Calls = BTreeMap<String, i64>;

impl ControlPlane {
    /// The calls so far to an API group. A watch counts when it ends, and is none of anybody's reads: it is left out.
    pub fn calls(&self, group: &str) -> Result<Calls> {
        parse(&self.metrics()?, group)
    }

    /// What is new since then, without these calls, which are the caller's own.
    pub fn calls_since(&self, group: &str, before: &Calls, own: &[&str]) -> Result<Calls> {
        Ok(new(self.calls(group)?, before, own))
    }
}

fn new(now: Calls, before: &Calls, own: &[&str]) -> Calls {
    let new = now.into_iter().map(|(call, count)| {
        let before = before.get(&call).copied().unwrap_or_default();
        (call, count - before)
    });
    new.filter(|(call, count)| *count != 0 && !own.contains(&call.as_str()))
        .collect()
}

fn parse(metrics: &str, group: &str) -> Result<Calls> {
    let mut calls = Calls::new();
    for line in metrics
        .lines()
        .filter(|line| line.starts_with("apiserver_request_total{"))
    {
        let label = |name: &str| {
            let (_, rest) = line.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value)
        };
        let label = |name: &str| label(name).with_context(|| format!("no {name} in {line}"));
        let (verb, resource, subresource) = (label("verb")?, label("resource")?, label("subresource")?);
        if label("group")? != group || verb == "WATCH" {
            continue;
        }
        let count = line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok());
        let slash = if subresource.is_empty() { "" } else { "/" };
        *calls
            .entry(format!("{verb} {resource}{slash}{subresource}"))
            .or_default() += count.with_context(|| format!("no number in {line}"))? as i64;
    }
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_the_group_are_added_up_over_codes() {
        let line = |code: &str, group: &str, verb: &str, sub: &str, count: &str| {
            format!(
                "apiserver_request_total{{code=\"{code}\",component=\"apiserver\",dry_run=\"\",group=\"{group}\",\
                 resource=\"things\",scope=\"resource\",subresource=\"{sub}\",verb=\"{verb}\",version=\"v1\"}} {count}\n"
            )
        };
        let text = line("200", "a.dev", "PATCH", "status", "3")
            + &line("409", "a.dev", "PATCH", "status", "1e+00")
            + &line("201", "a.dev", "POST", "", "2")
            + &line("200", "a.dev", "WATCH", "", "9")
            + &line("200", "b.dev", "GET", "", "7");
        let calls = parse(&text, "a.dev").expect("well formed");
        assert_eq!(
            calls,
            Calls::from([("PATCH things/status".into(), 4), ("POST things".into(), 2)])
        );
        let before = Calls::from([("PATCH things/status".into(), 1)]);
        assert_eq!(
            new(calls, &before, &["POST things"]),
            Calls::from([("PATCH things/status".into(), 3)])
        );
    }
}
