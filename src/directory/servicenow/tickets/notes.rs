//! Work notes: they can only be added, so that each is looked for before it is sent.
//!
//! What was written before is known by the ticket's `correlation_id` and by the journal. Where neither could tell after a
//! lost reply, nothing is written.

use super::{
    Ticket, correlate,
    mark::{Mark, Standing},
};
use crate::{
    directory::{
        Call,
        servicenow::{ServiceNow, model::Record, query},
    },
    domain::account::{Failure, FailureClass, Sent},
};
use serde_json::json;

impl ServiceNow {
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
            false if found.is_partial() || !found.records.is_empty() => Err(hidden_journal()),
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
}

fn hidden_journal() -> Failure {
    Failure::new(
        FailureClass::NeedsConfig,
        "ServiceNow does not show work notes, and the ticket's correlation_id cannot tell whether one was added; grant the \
         operator's user the right to read sys_journal_field",
    )
}
