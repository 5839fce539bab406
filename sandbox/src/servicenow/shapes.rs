//! How rows look on the wire: texts, references and display values.

use serde_json::{Map, Value, json};

use super::instance::{Row, ServiceNow, text};
use super::quirks::Quirk;
use super::schema::{self, Kind, Table};

/// `sysparm_display_value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Display {
    Stored,
    Shown,
    All,
}

/// How an answer is to look.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// Paths of fields; empty: all.
    pub(super) fields: Vec<String>,
    pub(super) display: Display,
    pub(super) links: bool,
    /// Scheme and host for links.
    pub(super) base: String,
}

impl ServiceNow {
    /// A row as an answer shows it. Fields that are unknown or may not be read are left out.
    pub(super) fn render(&self, table: &Table, row: &Row, look: &Look) -> Value {
        let all: Vec<String> = match look.fields.as_slice() {
            [] => table.fields().map(|(name, _)| name.to_owned()).collect(),
            fields => fields.to_vec(),
        };
        let mut shape = Map::new();
        for path in all {
            let readable = path.contains('.') || self.is_readable(table.name, &path);
            if !readable || !table.has_path(&path) {
                continue;
            }
            let found = self.walk(table, row, &path);
            let value = match found {
                Some((kind, _, value)) => self.value(table, &path, kind, value, look),
                None => plain("", "", look),
            };
            shape.insert(path, value);
        }
        Value::Object(shape)
    }

    fn value(&self, table: &Table, path: &str, kind: Kind, value: &str, look: &Look) -> Value {
        match kind {
            Kind::Journal | Kind::Password => plain("", "", look),
            Kind::Reference(target) => self.reference(target, value, look),
            Kind::Choice => plain(value, self.label(table.name, path, value).unwrap_or(value), look),
            Kind::Text | Kind::Boolean | Kind::Integer | Kind::Time => plain(value, value, look),
        }
    }

    fn reference(&self, target: &str, id: &str, look: &Look) -> Value {
        if id.is_empty() {
            return plain("", "", look);
        }
        let shown = schema::find(target)
            .zip(self.row(target, id))
            .map_or(id, |(table, row)| text(row, table.display));
        let link = format!("{}/api/now/v2/table/{target}/{id}", look.base);
        match (look.display, look.links) {
            (Display::Stored, true) => json!({"link": link, "value": id}),
            (Display::Stored, false) if self.has(Quirk::ReferenceStaysObject) => json!({"value": id}),
            (Display::Stored, false) => json!(id),
            (Display::Shown, true) => json!({"link": link, "display_value": shown}),
            (Display::Shown, false) => json!(shown),
            (Display::All, true) => json!({"display_value": shown, "link": link, "value": id}),
            (Display::All, false) => json!({"display_value": shown, "value": id}),
        }
    }

    /// The label of a stored choice.
    pub(super) fn label(&self, table: &str, element: &str, value: &str) -> Option<&str> {
        let choice = self
            .rows("sys_choice")
            .iter()
            .find(|row| text(row, "name") == table && text(row, "element") == element && text(row, "value") == value)?;
        Some(text(choice, "label"))
    }

    /// The stored value of a choice's label.
    pub(super) fn stored(&self, table: &str, element: &str, label: &str) -> Option<&str> {
        let choice = self
            .rows("sys_choice")
            .iter()
            .find(|row| text(row, "name") == table && text(row, "element") == element && text(row, "label") == label)?;
        Some(text(choice, "value"))
    }
}

fn plain(value: &str, shown: &str, look: &Look) -> Value {
    match look.display {
        Display::Stored => json!(value),
        Display::Shown => json!(shown),
        Display::All => json!({"display_value": shown, "value": value}),
    }
}
