//! Tickets: incidents and interactions read, and notes and resolutions written so that a retry adds nothing twice.
//!
//! Stored values of states, categories and codes are each instance's own: what people see is matched as well. Work notes
//! can only be added. So each write carries a [`Mark`]: it stands in the note's text and, unless another product uses that
//! field, in the ticket's `correlation_id`, and is looked for before anything is sent.

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

/// Which write of which request: the same one for a retry, a higher number for the request's next write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    request: String,
    number: u32,
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

/// What a ticket's `correlation_id` says about a write.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// It was done, or a later one of the same request was.
    Done,
    /// It was announced, and not done.
    Begun,
    /// The field is free, or holds an earlier write of the same request.
    Free,
    /// Another request, or another product, uses it.
    Foreign,
}

impl Mark {
    /// The mark of one write. `request` is the request's uid.
    ///
    /// # Errors
    /// `Permanent` where that is no uid.
    pub fn new(request: &str, number: u32) -> Result<Self, Failure> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if request.is_empty() || request.len() > 64 || !request.bytes().all(plain) {
            return Err(Failure::new(
                FailureClass::Permanent,
                "a ticket is marked with a request's uid only",
            ));
        }
        Ok(Mark {
            request: request.to_owned(),
            number,
        })
    }

    fn text(&self) -> String {
        format!("readmit.{}.{}", self.request, self.number)
    }

    fn announcement(&self) -> String {
        format!("{}.begun", self.text())
    }

    fn standing(&self, correlation: &str) -> Standing {
        if correlation.is_empty() {
            return Standing::Free;
        }
        let Some(rest) = correlation.strip_prefix(&format!("readmit.{}.", self.request)) else {
            return Standing::Foreign;
        };
        let (number, begun) = match rest.strip_suffix(".begun") {
            Some(number) => (number, true),
            None => (rest, false),
        };
        match number.parse::<u32>() {
            Ok(number) if number == self.number && begun => Standing::Begun,
            Ok(number) if number >= self.number => Standing::Done,
            Ok(_) => Standing::Free,
            Err(_) => Standing::Foreign,
        }
    }
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

    /// Adds a work note, unless it is there already.
    pub async fn add_note(&self, call: &Call, at: &Ticket, note: &str, mark: &Mark) -> Sent {
        let ticket = match self.again(call, at).await {
            Ok(ticket) => ticket,
            Err(sent) => return sent,
        };
        let standing = mark.standing(&ticket.correlation);
        if standing == Standing::Done {
            return Sent::Done;
        }
        let own_field = standing != Standing::Foreign;
        match self.has_note(call, &ticket, mark).await {
            Ok(true) => return Sent::Done,
            Ok(false) if own_field => {}
            // Only the journal can tell, so that it must be seen to be readable.
            Ok(false) => {
                if let Err(failure) = self.probe_journal(call).await {
                    return Sent::NotSent(failure);
                }
            }
            // Notes are there that may be ours: only the field can tell, and must be seen to hold first.
            Err(_) if standing == Standing::Begun => {}
            Err(_) if own_field => {
                if let Some(sent) = self.announce(call, &ticket, mark).await {
                    return sent;
                }
            }
            Err(failure) => return Sent::NotSent(failure),
        }
        let mut body = json!({"work_notes": format!("{note}\n[{}]", mark.text())});
        if own_field {
            correlate(&mut body, &mark.text());
        }
        let written = self.write_ticket(call, "add work note", &ticket, &[], &body).await;
        let written = match written {
            Ok(written) => written,
            Err(sent) => return sent,
        };
        if written.value("correlation_id") == Some(&mark.text()) {
            return Sent::Done;
        }
        match self.has_note(call, &ticket, mark).await {
            Ok(true) => Sent::Done,
            _ => Sent::Unknown(Failure::new(
                FailureClass::Unknown,
                "ServiceNow took the work note, and does not show it; look at the ticket",
            )),
        }
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

    /// Whether a note with this mark is there.
    ///
    /// # Errors
    /// Where not all entries of the journal may be seen.
    async fn has_note(&self, call: &Call, ticket: &Ticket, mark: &Mark) -> Result<bool, Failure> {
        let mark = mark.text();
        let condition = query::equals("element_id", &ticket.id)?;
        let condition = format!("{condition}^element=work_notes^valueLIKE[{mark}]");
        let found = self
            .list(
                call,
                "read work notes",
                "sys_journal_field",
                &[
                    ("sysparm_query", &condition),
                    ("sysparm_fields", "sys_id,element_id,value"),
                    ("sysparm_limit", "10"),
                ],
            )
            .await
            .map_err(|refusal| refusal.failure)?;
        let ours = |row: &Record| {
            row.value("element_id") == Some(&ticket.id) && row.value("value").is_some_and(|value| value.contains(&mark))
        };
        match found.records.iter().any(ours) {
            true => Ok(true),
            false if found.partial || !found.records.is_empty() => Err(hidden_journal()),
            false => Ok(false),
        }
    }

    /// Whether any work note of the instance may be read.
    async fn probe_journal(&self, call: &Call) -> Result<(), Failure> {
        let query = [
            ("sysparm_query", "element=work_notes"),
            ("sysparm_fields", "sys_id"),
            ("sysparm_limit", "1"),
        ];
        let found = self.list(call, "probe work notes", "sys_journal_field", &query).await;
        match found.map_err(|refusal| refusal.failure)?.records.is_empty() {
            true => Err(hidden_journal()),
            false => Ok(()),
        }
    }

    /// Says in the ticket that a note is coming; what stands in the way otherwise.
    async fn announce(&self, call: &Call, ticket: &Ticket, mark: &Mark) -> Option<Sent> {
        let mut body = json!({});
        correlate(&mut body, &mark.announcement());
        match self.write_ticket(call, "announce work note", ticket, &[], &body).await {
            Ok(written) if written.value("correlation_id") == Some(&mark.announcement()) => None,
            Ok(_) => Some(Sent::NotSent(Failure::new(
                FailureClass::NeedsConfig,
                "ServiceNow shows neither the ticket's work notes nor keeps its correlation_id, so that a note could come twice; grant \
                 the operator's user the right to read sys_journal_field or to write correlation_id",
            ))),
            // It adds nothing that anybody reads, so that it may be sent again.
            Err(Sent::Unknown(failure)) => Some(Sent::NotSent(failure)),
            Err(sent) => Some(sent),
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

fn hidden_journal() -> Failure {
    Failure::new(
        FailureClass::NeedsConfig,
        "ServiceNow does not show work notes, and the ticket's correlation_id cannot tell whether one was added; grant the \
         operator's user the right to read sys_journal_field",
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_correlation_says() {
        let mark = Mark::new("9d0c-1", 2).unwrap();
        for (correlation, standing) in [
            ("", Standing::Free),
            ("readmit.9d0c-1.1", Standing::Free),
            ("readmit.9d0c-1.1.begun", Standing::Free),
            ("readmit.9d0c-1.2", Standing::Done),
            ("readmit.9d0c-1.2.begun", Standing::Begun),
            ("readmit.9d0c-1.3", Standing::Done),
            ("readmit.9d0c-1.3.begun", Standing::Done),
            ("readmit.9d0c-12.2", Standing::Foreign),
            ("MON-4711", Standing::Foreign),
            ("readmit.9d0c-1.x", Standing::Foreign),
        ] {
            assert_eq!(mark.standing(correlation), standing, "{correlation:?}");
        }
        assert!(Mark::new("a^b", 1).is_err() && Mark::new("", 1).is_err());
    }
}
