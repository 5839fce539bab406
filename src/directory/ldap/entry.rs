//! One entry of a search result. Attribute names compare without regard to case, as LDAP's do.

use super::time;
use jiff::Timestamp;
use ldap3::SearchEntry;
use std::collections::BTreeMap;

/// One entry as the server showed it.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Its name, as the server spells it.
    pub dn: String,
    attributes: BTreeMap<String, Attribute>,
}

/// One attribute's values.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name as the server spells it, with options.
    pub name: String,
    /// Its values; empty where only names were asked for.
    pub values: Vec<String>,
    /// Whether a value was no text; then `values` is empty.
    pub binary: bool,
    octets: Vec<Vec<u8>>,
}

impl Entry {
    /// The values of an attribute; none where it is absent, hidden or no text.
    pub fn all(&self, name: &str) -> &[String] {
        self.attributes
            .get(&name.to_ascii_lowercase())
            .map_or(&[], |attribute| attribute.values.as_slice())
    }

    /// The first value of an attribute.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// The values of an attribute as octets, whether or not they happen to be text.
    pub fn octets(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let attribute = self.attributes.get(&name.to_ascii_lowercase());
        attribute.into_iter().flat_map(|attribute| {
            let text = attribute.values.iter().map(String::as_bytes);
            text.chain(attribute.octets.iter().map(Vec::as_slice))
        })
    }

    /// The same with this value of one attribute.
    pub fn with(mut self, name: &str, octets: Vec<u8>) -> Self {
        let attribute = Attribute {
            name: name.to_owned(),
            values: Vec::new(),
            binary: true,
            octets: vec![octets],
        };
        self.attributes.insert(name.to_ascii_lowercase(), attribute);
        self
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.first(name)?.parse().ok()
    }

    /// Whether the attribute is there, with or without values.
    pub fn has(&self, name: &str) -> bool {
        self.attributes.contains_key(&name.to_ascii_lowercase())
    }

    /// Whether a Boolean attribute is TRUE.
    pub fn flag(&self, name: &str) -> bool {
        self.first(name).is_some_and(|value| value.eq_ignore_ascii_case("TRUE"))
    }

    /// A GeneralizedTime attribute.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        time::parse(self.first(name)?)
    }

    /// Every attribute, in the order of its folded name.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.values()
    }

    /// Whether it is of this object class.
    pub fn is_a(&self, class: &str) -> bool {
        self.all("objectClass").iter().any(|c| c.eq_ignore_ascii_case(class))
    }
}

impl From<SearchEntry> for Entry {
    fn from(raw: SearchEntry) -> Self {
        let text = raw.attrs.into_iter().map(|(name, values)| Attribute {
            name,
            values,
            binary: false,
            octets: Vec::new(),
        });
        let binary = raw.bin_attrs.into_iter().map(|(name, octets)| Attribute {
            name,
            values: Vec::new(),
            binary: true,
            octets,
        });
        Entry {
            dn: raw.dn,
            attributes: text
                .chain(binary)
                .map(|attribute| (attribute.name.to_ascii_lowercase(), attribute))
                .collect(),
        }
    }
}

#[cfg(test)]
impl Entry {
    /// An entry for tests of what is derived from entries.
    pub fn of(dn: &str, attributes: &[(&str, &[&str])]) -> Self {
        let attrs = attributes
            .iter()
            .map(|(name, values)| ((*name).to_owned(), values.iter().map(|v| (*v).to_owned()).collect()))
            .collect();
        SearchEntry {
            dn: dn.into(),
            attrs,
            bin_attrs: Default::default(),
        }
        .into()
    }

    /// The same with one more attribute, whose values are not text.
    pub fn with_octets(mut self, name: &str, octets: &[&[u8]]) -> Self {
        let attribute = Attribute {
            name: name.to_owned(),
            values: Vec::new(),
            binary: true,
            octets: octets.iter().map(|value| value.to_vec()).collect(),
        };
        self.attributes.insert(name.to_ascii_lowercase(), attribute);
        self
    }
}
