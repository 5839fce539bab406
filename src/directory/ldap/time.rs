//! GeneralizedTime (RFC 4517, section 3.3.13), as far as directories use it for state attributes: in UTC, `Z` at the
//! end, with or without seconds and fraction.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The moment that the text stands for, or `None` where it is no such text.
pub fn parse(text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z')?;
    let (digits, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
    if !digits.bytes().all(|b| b.is_ascii_digit()) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
    let seconds = match digits.len() {
        12 => 0,
        14 => part(12, 14)?,
        _ => return None,
    };
    let nanoseconds = format!("{fraction:0<9}").get(..9)?.parse::<i32>().ok()?;
    DateTime::new(
        digits.get(..4)?.parse().ok()?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        seconds,
        nanoseconds,
    )
    .ok()?
    .to_zoned(TimeZone::UTC)
    .ok()
    .map(|moment| moment.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, time) in [
            ("20260301093005Z", Some("2026-03-01T09:30:05Z")),
            ("20260301093005.123456Z", Some("2026-03-01T09:30:05.123456Z")),
            ("202603010930Z", Some("2026-03-01T09:30:00Z")),
            ("000001010000Z", Some("0000-01-01T00:00:00Z")),
            ("20260301093005", None),
            ("20261301093005Z", None),
            ("2026030109300Z", None),
            ("+2260301093005Z", None),
            ("20260301093005.12x4Z", None),
            ("", None),
        ] {
            let expected = time.map(|t| t.parse::<Timestamp>().unwrap());
            // Year 0 has no short RFC 3339 form that jiff would refuse.
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
