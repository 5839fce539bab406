//! GUIDs as different products write them down: the same sixteen octets in half a dozen spellings.
//!
//! A GUID's octets on the wire have its first three parts in little-endian order (MS-DTYP 2.3.4.2), while its text shows
//! them in big-endian order (2.3.4.3). Whoever stores the octets as hexadecimal digits or Base64 may have used either
//! order for the digits; Base64 is of the octets on the wire.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};

/// The octets of a GUID, in the order of its text.
pub type Guid = [u8; 16];

/// Where the octets of the text stand on the wire.
const WIRE: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/// A GUID in its one canonical spelling: `a91df29c-2fca-4225-a442-26bdc9bc0ffa`, in either case.
pub fn canonical(text: &str) -> Option<Guid> {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    if lengths != [8, 4, 4, 4, 12] {
        return None;
    }
    hex(&parts.concat())
}

/// Every GUID that this text may stand for; none where it is no GUID's spelling. Understood are the canonical one, also
/// in braces, 32 hexadecimal digits in the order of the text or of the wire, Base64 of the octets on the wire (by either
/// alphabet of RFC 4648, with or without padding), and the escaped octets of an LDAP filter (RFC 4515: `\9c\f2...`).
pub fn readings(text: &str) -> Vec<Guid> {
    let text = text.trim();
    let bare = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    if let Some(guid) = canonical(bare.unwrap_or(text)) {
        return vec![guid];
    }
    if let Some(octets) = hex(text) {
        return vec![octets, of_wire(octets)];
    }
    escaped(text)
        .or_else(|| base64(text))
        .map(of_wire)
        .into_iter()
        .collect()
}

fn hex(digits: &str) -> Option<Guid> {
    let octets = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?;
    octets.try_into().ok()
}

fn base64(text: &str) -> Option<Guid> {
    [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD]
        .iter()
        .find_map(|encoding| encoding.decode(text.as_bytes()).ok()?.try_into().ok())
}

fn escaped(text: &str) -> Option<Guid> {
    let places = text.bytes().step_by(3);
    let shaped = text.len() == 48 && text.is_ascii() && places.clone().all(|octet| octet == b'\\');
    shaped.then(|| hex(&text.replace('\\', ""))).flatten()
}

/// Octets on the wire in the order of the text, and the other way round: the exchange is its own inverse.
fn of_wire(octets: Guid) -> Guid {
    WIRE.map(|place| octets.get(place).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a91df29c-2fca-4225-a442-26bdc9bc0ffa";

    #[test]
    fn every_spelling_means_the_same() {
        let guid = canonical(TEXT).unwrap();
        for text in [
            TEXT,
            "A91DF29C-2FCA-4225-A442-26BDC9BC0FFA",
            "{a91df29c-2fca-4225-a442-26bdc9bc0ffa}",
            "a91df29c2fca4225a44226bdc9bc0ffa",
            "9cf21da9ca2f2542a44226bdc9bc0ffa",
            "nPIdqcovJUKkQia9ybwP+g==",
            "nPIdqcovJUKkQia9ybwP+g",
            "nPIdqcovJUKkQia9ybwP-g",
            r"\9c\f2\1d\a9\ca\2f\25\42\a4\42\26\bd\c9\bc\0f\fa",
            " a91df29c-2fca-4225-a442-26bdc9bc0ffa ",
        ] {
            assert!(readings(text).contains(&guid), "{text}: {:x?}", readings(text));
        }
    }

    #[test]
    fn what_is_no_guid_means_none() {
        let guid = canonical(TEXT).unwrap();
        for text in [
            "",
            "4711",
            "a91df29c-2fca-4225-a442-26bdc9bc0ff",
            "a91df29c2fca-4225-a442-26bdc9bc0ffa",
            "{a91df29c-2fca-4225-a442-26bdc9bc0ffa",
            "a91df29c-2fca-4225-a442-26bdc9bc0ffb",
            "nPIdqcovJUKkQia9ybwP",
            r"\9c\f2",
            "ää1df29c-2fca-4225-a442-26bdc9bc0f",
        ] {
            assert!(!readings(text).contains(&guid), "{text}");
        }
        assert_eq!(canonical("{a91df29c-2fca-4225-a442-26bdc9bc0ffa}"), None);
    }
}
