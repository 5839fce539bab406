//! Durations as flags spell them: `24h`, `1h30m`, `10s`, `500ms`. Finer than [`crate::api::Span`], which manifests use
//! and which knows no milliseconds.

use std::time::Duration;

/// The units, largest first, in milliseconds. `ms` stands before `m` and `s` so that it is not read as either.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

/// Reads one or several numbers with units, each unit at most once, largest first.
///
/// # Errors
/// A text for the person who set the flag.
pub fn parse(text: &str) -> Result<Duration, String> {
    read(text)
        .map(Duration::from_millis)
        .ok_or_else(|| "not a duration; write for example 24h, 1m30s, 10s or 500ms".to_owned())
}

/// The duration as [`parse`] reads it.
pub fn print(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    let mut text = String::new();
    for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if rest >= size {
            text += &format!("{}{unit}", rest / size);
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn read(text: &str) -> Option<u64> {
    let (mut rest, mut total, mut last) = (text, 0u64, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at_checked(digits)?;
        let (unit, size) = UNITS.into_iter().find(|(unit, _)| tail.starts_with(unit))?;
        if size >= last {
            return None;
        }
        last = size;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(size)?)?;
        rest = tail.strip_prefix(unit)?;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print() {
        let table = [
            ("24h", 86_400_000),
            ("1h30m", 5_400_000),
            ("10s", 10_000),
            ("500ms", 500),
            ("1m2s3ms", 62_003),
        ];
        for (text, millis) in table {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
            assert_eq!(print(Duration::from_millis(millis)), text);
        }
        assert_eq!(parse("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(print(Duration::ZERO), "0s");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "h",
            "10",
            "1d",
            "-1s",
            "+1s",
            "1s1m",
            "1s2s",
            "1 s",
            "1.5s",
            "99999999999999999999h",
            "1ſ",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
