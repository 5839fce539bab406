//! GUIDs and SIDs: octets on the wire, text for people (MS-DTYP 2.3.4 and 2.4.2).

use std::fmt::Write;

/// The text form of a GUID, lower case, from its 16 octets; the first three parts have the low octet first.
pub fn guid(octets: &[u8]) -> Option<String> {
    let octets: &[u8; 16] = octets.try_into().ok()?;
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut text = String::with_capacity(36);
    for (place, index) in order.into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{:02x}", octets.get(index)?);
    }
    Some(text)
}

/// The name by which an entry is found by its GUID, wherever it was moved to; `None` where the text is no GUID.
pub fn guid_dn(text: &str) -> Option<String> {
    let shaped = text.len() == 36
        && text.bytes().enumerate().all(|(place, octet)| match place {
            8 | 13 | 18 | 23 => octet == b'-',
            _ => octet.is_ascii_hexdigit(),
        });
    shaped.then(|| format!("<GUID={}>", text.to_ascii_lowercase()))
}

/// A security identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sid {
    authority: u64,
    parts: Vec<u32>,
}

impl Sid {
    /// Reads the octets; `None` where they are no SID.
    pub fn parse(octets: &[u8]) -> Option<Sid> {
        let (head, rest) = octets.split_at_checked(8)?;
        let [1, count, authority @ ..] = head else { return None };
        let authority = authority
            .iter()
            .fold(0u64, |number, octet| number << 8 | u64::from(*octet));
        let parts: Vec<u32> = rest
            .chunks_exact(4)
            .filter_map(|part| part.try_into().ok().map(u32::from_le_bytes))
            .collect();
        (rest.len() == usize::from(*count) * 4).then_some(Sid { authority, parts })
    }

    /// The octets, for a search.
    pub fn octets(&self) -> Vec<u8> {
        let count = u8::try_from(self.parts.len()).unwrap_or(u8::MAX);
        let mut octets = vec![1, count];
        octets.extend(self.authority.to_be_bytes().iter().skip(2));
        octets.extend(self.parts.iter().flat_map(|part| part.to_le_bytes()));
        octets
    }

    /// The relative identifier in its domain (S-1-5-21-domain-RID); `None` for one that is of no domain.
    pub fn domain_rid(&self) -> Option<u32> {
        match (self.authority, self.parts.as_slice()) {
            (5, [21, _, _, _, rid]) => Some(*rid),
            _ => None,
        }
    }

    /// The alias of the builtin domain (S-1-5-32-alias).
    pub fn builtin_alias(&self) -> Option<u32> {
        match (self.authority, self.parts.as_slice()) {
            (5, [32, alias]) => Some(*alias),
            _ => None,
        }
    }

    /// Another principal of the same domain; `None` for one that is of no domain.
    pub fn sibling(&self, rid: u32) -> Option<Sid> {
        self.domain_rid()?;
        let mut sibling = self.clone();
        *sibling.parts.last_mut()? = rid;
        Some(sibling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_have_their_first_parts_reversed() {
        let octets = [
            0x9c, 0xf2, 0x1d, 0xa9, 0xca, 0x2f, 0x25, 0x42, 0xa4, 0x42, 0x26, 0xbd, 0xc9, 0xbc, 0x0f, 0xfa,
        ];
        assert_eq!(guid(&octets).as_deref(), Some("a91df29c-2fca-4225-a442-26bdc9bc0ffa"));
        assert_eq!(guid(&octets[..15]), None);
    }

    #[test]
    fn only_a_guid_becomes_a_name() {
        for (text, name) in [
            (
                "A91DF29C-2fca-4225-a442-26bdc9bc0ffa",
                Some("<GUID=a91df29c-2fca-4225-a442-26bdc9bc0ffa>"),
            ),
            ("a91df29c2fca4225a44226bdc9bc0ffa", None),
            ("a91df29c-2fca-4225-a442-26bdc9bc0ff>", None),
            ("a91df29c--fca-4225-a442-26bdc9bc0ffa", None),
            ("", None),
        ] {
            assert_eq!(guid_dn(text).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn sids_are_read_and_written() {
        let domain_admins = [
            1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 2, 0, 0,
        ];
        let sid = Sid::parse(&domain_admins).unwrap();
        assert_eq!((sid.domain_rid(), sid.builtin_alias()), (Some(512), None));
        assert_eq!(sid.octets(), domain_admins);
        assert_eq!(sid.sibling(513).unwrap().domain_rid(), Some(513));
        let administrators = Sid::parse(&[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0]).unwrap();
        assert_eq!(
            (administrators.domain_rid(), administrators.builtin_alias()),
            (None, Some(544))
        );
        assert_eq!(administrators.sibling(513), None);
        for wrong in [&domain_admins[..27], &domain_admins[..4], &[], &[2; 28]] {
            assert_eq!(Sid::parse(wrong), None);
        }
    }
}
