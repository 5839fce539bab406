//! Spans of time as people write them in manifests: `24h`, `1h30m`, `45s`.
//!
//! Hours, minutes and seconds only, the units that CEL in CRD rules knows too.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

/// A span of whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(Duration);

/// A text that is no span.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a span of time; write for example 24h, 1h30m or 45s")]
pub struct SpanError(String);

impl Span {
    /// A span of so many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Span(Duration::from_secs(secs))
    }

    /// A span of so many hours.
    pub const fn from_hours(hours: u64) -> Self {
        Span(Duration::from_secs(hours * 3600))
    }

    /// The span in seconds.
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }

    /// The span as the standard library's type.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        parse(text)
            .map(Span::from_secs)
            .ok_or_else(|| SpanError(text.chars().take(40).collect()))
    }
}

fn parse(text: &str) -> Option<u64> {
    let (mut rest, mut total) = (text, 0u64);
    for (unit, secs) in [('h', 3600), ('m', 60), ('s', 1)] {
        if let Some((number, tail)) = rest.split_once(unit) {
            let number: u64 = number
                .parse()
                .ok()
                .filter(|_| number.bytes().all(|b| b.is_ascii_digit()))?;
            total = total.checked_add(number.checked_mul(secs)?)?;
            rest = tail;
        }
    }
    (rest.is_empty() && !text.is_empty()).then_some(total)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.as_secs();
        let (h, m, s) = (secs / 3600, secs % 3600 / 60, secs % 60);
        match (h, m, s) {
            (0, 0, s) => write!(f, "{s}s"),
            (0, m, 0) => write!(f, "{m}m"),
            (0, m, s) => write!(f, "{m}m{s}s"),
            (h, 0, 0) => write!(f, "{h}h"),
            (h, m, 0) => write!(f, "{h}h{m}m"),
            (h, m, s) => write!(f, "{h}h{m}m{s}s"),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 2,
            "maxLength": 20,
            "pattern": "^([0-9]{1,5}h)?([0-9]{1,6}m)?([0-9]{1,7}s)?$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_print() {
        for (text, secs) in [("24h", 86400), ("1h30m", 5400), ("45s", 45), ("90m", 5400), ("0s", 0)] {
            assert_eq!(text.parse::<Span>().unwrap().as_secs(), secs, "{text}");
        }
        for text in [
            "",
            "h",
            "1d",
            "30",
            "-1h",
            "+1h",
            "1m1h",
            "1h ",
            "99999999999999999999h",
        ] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        assert_eq!(Span::from_secs(5400).to_string(), "1h30m");
        assert_eq!(Span::from_hours(24).to_string(), "24h");
    }
}
