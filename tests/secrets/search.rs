//! What is searched for, in every form that it could have, and where. A place is read once, however much is searched for.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};

/// Something that is searched for, under a name that can be shown.
pub struct Secret {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Secret {
    pub fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let (name, bytes) = (name.to_owned(), bytes.into());
        assert!(bytes.len() >= 7, "{name} is so short that it may be found by chance");
        Secret { name, bytes }
    }

    /// How it may be written: as it is, in JSON, in a URL, as a list of numbers, in hex, in base64 alone or within
    /// something longer.
    fn forms(&self) -> Vec<Vec<u8>> {
        let bytes = &self.bytes;
        let mut forms = vec![bytes.clone(), HEXLOWER.encode(bytes).into_bytes()];
        let numbers = format!("{bytes:?}");
        forms.push(numbers.trim_matches(['[', ']']).as_bytes().to_vec());
        forms.push(bytes.escape_ascii().to_string().into_bytes());
        let encoded: String = url::form_urlencoded::byte_serialize(bytes).collect();
        forms.push(encoded.replace('+', "%20").into_bytes());
        forms.push(encoded.into_bytes());
        for before in 0..3 {
            let longer = [vec![0; before], bytes.clone()].concat();
            // The characters at both ends hold bits of the neighbours too.
            let (start, end) = ((before * 8).div_ceil(6), longer.len() * 8 / 6);
            for encoding in [BASE64_NOPAD, BASE64URL_NOPAD] {
                forms.push(encoding.encode(&longer).as_bytes()[start..end].to_vec());
            }
        }
        forms
    }

    fn is_in(&self, place: &[u8]) -> bool {
        !found(&[self], place).is_empty()
    }
}

/// Which of these secrets are in a place, by number. The place is read once: a form is compared where its first two octets
/// stand.
fn found(secrets: &[&Secret], place: &[u8]) -> BTreeSet<usize> {
    let mut forms: HashMap<[u8; 2], Vec<(Vec<u8>, usize)>> = HashMap::new();
    let mut begins = vec![false; 1 << 16];
    let key = |pair: [u8; 2]| usize::from(u16::from_be_bytes(pair));
    for (number, secret) in secrets.iter().enumerate() {
        for form in secret.forms() {
            let pair = [form[0], form[1]];
            begins[key(pair)] = true;
            forms.entry(pair).or_default().push((form, number));
        }
    }
    let mut found = BTreeSet::new();
    for (at, pair) in place.windows(2).enumerate() {
        let pair = [pair[0], pair[1]];
        if begins[key(pair)] {
            let here = forms[&pair].iter().filter(|(form, _)| place[at..].starts_with(form));
            found.extend(here.map(|(_, number)| *number));
        }
    }
    found
}

/// A place after everything happened.
pub struct Place {
    pub name: &'static str,
    bytes: Vec<u8>,
}

impl Place {
    /// `known` is in it for sure: an empty place or a blind search would not pass.
    #[track_caller]
    pub fn new(name: &'static str, bytes: impl Into<Vec<u8>>, known: &[&str]) -> Self {
        let bytes = bytes.into();
        for known in known {
            let found = Secret::new("what is known", *known).is_in(&bytes);
            assert!(found, "{name} does not hold {known:?}");
        }
        Place { name, bytes }
    }

    /// Names the secrets that are in it.
    pub fn leaks(&self, secrets: &[&Secret]) -> Vec<String> {
        let found = found(secrets, &self.bytes).into_iter();
        found
            .map(|number| format!("{} is in {}", secrets[number].name, self.name))
            .collect()
    }
}

#[test]
fn the_search_finds_every_form() {
    let secret = Secret::new("a password", "Wort+mit \"Zeichen\"/=\\");
    let text = std::str::from_utf8(&secret.bytes).expect("text");
    let mut written = vec![
        text.to_owned(),
        format!("{text:?}"),
        format!("{:?}", secret.bytes),
        json!({ "password": text }).to_string(),
        HEXLOWER.encode(&secret.bytes),
        "Wort%2Bmit+%22Zeichen%22%2F%3D%5C".to_owned(),
        "Wort%2Bmit%20%22Zeichen%22%2F%3D%5C".to_owned(),
    ];
    for before in ["", "u", "us", "user:"] {
        written.push(BASE64.encode(format!("{before}{text}").as_bytes()));
        written.push(BASE64URL_NOPAD.encode(format!("{before}{text}@example").as_bytes()));
    }
    for written in written {
        assert!(secret.is_in(format!("before {written} after").as_bytes()), "{written}");
    }
    assert!(!secret.is_in(text.replace("mit", "mir").as_bytes()));
}
