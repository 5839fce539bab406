//! Tickets: incidents and interactions read, and notes and resolutions written so that a retry adds nothing twice.
//!
//! Stored values of states, categories and codes are each instance's own: what people see is matched as well. Work notes
//! can only be added. So each write carries a [`Mark`]: it stands in the note's text and, unless another product uses that
//! field, in the ticket's `correlation_id`, and is looked for before anything is sent.

mod mark;
mod notes;

pub use mark::Mark;

use super::{
    ServiceNow,
    changes::{dropped, text},
    model::Record,
    query,
};
use crate::{
    directory::Call,
    domain::account::{Failure, FailureClass, ReadFailure, Sent},
};
use mark::Standing;
use serde_json::{Value, json};

/// The fields that are read of a ticket.
const FIELDS: &str = "sys_id,number,state,active,category,assigned_to,caller_id,opened_for,correlation_id";
/// Stored and shown values both.
const BOTH: (&str, &str) = ("sysparm_display_value", "all");

/// What kind of ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `incident`.
    Incident,
    /// `interaction`.
    Interaction,
}

impl Kind {
    const fn table(self) -> &'static str {
        match self {
            Kind::Incident => "incident",
            Kind::Interaction => "interaction",
        }
    }

    /// The field that names whom it is about.
    const fn person(self) -> &'static str {
        match self {
            Kind::Incident => "caller_id",
            Kind::Interaction => "opened_for",
        }
    }
}

/// A field of choices: what people see, and what is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// `Password Reset`.
    pub shown: String,
    /// `password_reset`.
    pub stored: String,
}

impl Choice {
    /// Whether this is meant by a label or a stored value.
    pub fn is(&self, word: &str) -> bool {
        !word.is_empty() && (self.shown == word || self.stored == word)
    }
}

/// A ticket as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// What kind.
    pub kind: Kind,
    /// Its sys_id.
    pub id: String,
    /// `INC0012345`.
    pub number: String,
    /// Its state.
    pub state: Choice,
    /// Its category; empty for an interaction.
    pub category: Choice,
    /// Whether it is still worked on; `None` where it does not say.
    pub active: Option<bool>,
    /// sys_id of the agent.
    pub assigned_to: Option<String>,
    /// sys_id of the person whom it is about.
    pub person: Option<String>,
    correlation: String,
}

/// How a ticket is closed, in the words that people see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The state's label: `Resolved`.
    pub state: String,
    /// The code's label.
    pub code: String,
    /// What was done.
    pub notes: String,
}

impl ServiceNow {
    /// Reads a ticket by its number.
    ///
    /// # Errors
    /// Where there is none, or it may not be seen.
    pub async fn ticket(&self, call: &Call, kind: Kind, number: &str) -> Result<Ticket, ReadFailure> {
        let condition = query::equals("number", number)?;
        let found = self
            .list(
                call,
                "find ticket",
                kind.table(),
                &[
                    ("sysparm_query", &condition),
                    ("sysparm_fields", FIELDS),
                    ("sysparm_limit", "2"),
                    BOTH,
                ],
            )
            .await?;
        match found.records.as_slice() {
            [one] if one.value("number") == Some(number) => Ok(ticket(kind, one)?),
            [] | [_] => Err(ReadFailure::NotFound),
            _ => Err(ReadFailure::Ambiguous),
        }
    }

    /// Whether a user holds a role, for example `password_reset_service_desk`.
    ///
    /// # Errors
    /// Where the roles cannot be read completely.
    pub async fn holds_role(&self, call: &Call, user: &str, role: &str) -> Result<bool, Failure> {
        Ok(self.roles(call, user).await?.iter().any(|held| held == role))
    }

    /// Closes a ticket, unless it is so already.
    pub async fn resolve(&self, call: &Call, at: &Ticket, resolution: &Resolution, mark: &Mark) -> Sent {
        let ticket = match self.again(call, at).await {
            Ok(ticket) => ticket,
            Err(sent) => return sent,
        };
        if ticket.state.is(&resolution.state) {
            return Sent::Done;
        }
        if ticket.active == Some(false) {
            let words = "the ticket is closed in another way already";
            return Sent::Refused(Failure::new(FailureClass::Permanent, words));
        }
        let mut body = json!({
            "state": resolution.state, "close_code": resolution.code, "close_notes": resolution.notes,
        });
        if mark.standing(&ticket.correlation) != Standing::Foreign {
            correlate(&mut body, &mark.text());
        }
        // By label: numbers of states are each instance's own.
        let as_display = [("sysparm_input_display_value", "true")];
        match self
            .write_ticket(call, "resolve ticket", &ticket, &as_display, &body)
            .await
        {
            Err(sent) => sent,
            Ok(written) => match choice(&written, "state") {
                state if state.is(&resolution.state) => Sent::Done,
                _ => dropped("the ticket's state"),
            },
        }
    }

    /// The ticket as it stands now.
    async fn again(&self, call: &Call, at: &Ticket) -> Result<Ticket, Sent> {
        let query = [("sysparm_fields", FIELDS), BOTH];
        match self
            .record(call, "read ticket", (at.kind.table(), &at.id), &query)
            .await
        {
            Ok(record) => ticket(at.kind, &record).map_err(Sent::NotSent),
            Err(ReadFailure::Failed(failure)) => Err(Sent::NotSent(failure)),
            Err(ReadFailure::NotFound | ReadFailure::Ambiguous) => Err(Sent::Refused(Failure::new(
                FailureClass::Permanent,
                "there is no such ticket any more, or it may not be seen",
            ))),
        }
    }

    async fn write_ticket(
        &self,
        call: &Call,
        operation: &'static str,
        ticket: &Ticket,
        query: &[(&str, &str)],
        body: &Value,
    ) -> Result<Record, Sent> {
        let more = [("sysparm_fields", "sys_id,state,correlation_id"), BOTH];
        let query: Vec<_> = query.iter().copied().chain(more).collect();
        self.write(call, operation, (ticket.kind.table(), &ticket.id), &query, text(body))
            .await
    }
}

fn correlate(body: &mut Value, mark: &str) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert("correlation_id".into(), mark.into());
        fields.insert("correlation_display".into(), "readmit".into());
    }
}

fn ticket(kind: Kind, record: &Record) -> Result<Ticket, Failure> {
    let value = |field: &str| record.value(field).filter(|text| !text.is_empty()).map(str::to_owned);
    let (Some(id), Some(number), Some(_)) = (value("sys_id"), value("number"), record.value("correlation_id")) else {
        let words = "ServiceNow does not show the ticket's number or correlation_id; grant the operator's user the right to read \
                     them";
        return Err(Failure::new(FailureClass::NeedsConfig, words));
    };
    Ok(Ticket {
        kind,
        id,
        number,
        state: choice(record, "state"),
        category: choice(record, "category"),
        active: record.flag("active"),
        assigned_to: value("assigned_to"),
        person: value(kind.person()),
        correlation: value("correlation_id").unwrap_or_default(),
    })
}

fn choice(record: &Record, field: &str) -> Choice {
    Choice {
        shown: record.display(field).unwrap_or_default().to_owned(),
        stored: record.value(field).unwrap_or_default().to_owned(),
    }
}
