//! Tickets: read by what people see and by what is stored, and written so that a retry adds nothing twice.

use crate::world::{World, call, refused};
use readmit::{
    directory::servicenow::{Kind, Mark, Resolution, Ticket},
    domain::account::{FailureClass, ReadFailure, Sent},
};
use sandbox::FaultKind;
use sandbox::servicenow::Quirk;

const UID: &str = "9d0c7a52-1b1f-4f0e-9a3c-2f6f1f0a7b11";

async fn incident(world: &World, number: &str) -> Ticket {
    world.directory.ticket(&call(), Kind::Incident, number).await.unwrap()
}

fn mark(number: u32) -> Mark {
    Mark::new(UID, number).unwrap()
}

fn notes(world: &World, ticket: &Ticket) -> Vec<String> {
    world.instance().journal(&ticket.id, "work_notes")
}

async fn note(world: &World, ticket: &Ticket, number: u32) -> Sent {
    let text = format!("note {number}");
    world.directory.add_note(&call(), ticket, &text, &mark(number)).await
}

fn resolution() -> Resolution {
    Resolution {
        state: "Resolved".into(),
        code: "User error".into(),
        notes: "Unlocked".into(),
    }
}

#[tokio::test]
async fn an_incident_is_read_by_what_people_see_and_by_what_is_stored() {
    for numbers_differ in [false, true] {
        let quirk = [Quirk::StateNumbersDiffer];
        let world = World::with(if numbers_differ { &quirk } else { &[] }).await;
        let ticket = incident(&world, "INC0010001").await;
        assert!(ticket.category.is("Password Reset") && ticket.category.is("password_reset"));
        assert!(ticket.state.is("In Progress"), "{ticket:?}");
        assert_eq!(ticket.active, Some(true));
        assert_eq!(ticket.person.as_ref(), Some(&world.user("ada.byte")["sys_id"]));
        assert_eq!(ticket.assigned_to.as_ref(), Some(&world.user("grace.desk")["sys_id"]));
        let other = incident(&world, "INC0010002").await;
        assert!(!other.category.is("Password Reset"));
    }
}

#[tokio::test]
async fn an_instance_may_lack_the_category() {
    let world = World::as_user(
        sandbox::servicenow::OPERATOR,
        sandbox::servicenow::OPERATOR_PASSWORD,
        &[Quirk::CategoryMissing],
    )
    .await;
    assert!(!incident(&world, "INC0010001").await.category.is("Password Reset"));
}

#[tokio::test]
async fn an_interaction_names_whom_it_is_for() {
    let world = World::start().await;
    let found = world
        .directory
        .ticket(&call(), Kind::Interaction, "IMS0000001")
        .await
        .unwrap();
    assert_eq!(found.person.as_ref(), Some(&world.user("ada.byte")["sys_id"]));
    let agent = found.assigned_to.unwrap();
    for (role, held) in [("password_reset_service_desk", true), ("password_reset_admin", false)] {
        let holds = world.directory.holds_role(&call(), &agent, role).await;
        assert_eq!(holds, Ok(held), "{role}");
    }
}

#[tokio::test]
async fn numbers_that_could_break_out_are_refused_and_unknown_ones_not_found() {
    let world = World::start().await;
    let broken = world
        .directory
        .ticket(&call(), Kind::Incident, "INC1^ORactive=true")
        .await;
    assert!(matches!(broken, Err(ReadFailure::Failed(why)) if why.class == FailureClass::Permanent));
    assert!(world.calls().is_empty());
    let none = world.directory.ticket(&call(), Kind::Incident, "INC9999999").await;
    assert_eq!(none, Err(ReadFailure::NotFound));
}

#[tokio::test]
async fn a_note_is_added_once_however_often_it_is_tried() {
    let world = World::start().await;
    let ticket = incident(&world, "INC0010001").await;
    for _ in 0..3 {
        assert_eq!(note(&world, &ticket, 1).await, Sent::Done);
    }
    assert_eq!(notes(&world, &ticket), [format!("note 1\n[readmit.{UID}.1]")]);
    assert_eq!(note(&world, &ticket, 2).await, Sent::Done);
    assert_eq!(note(&world, &ticket, 1).await, Sent::Done, "an earlier one, late");
    assert_eq!(notes(&world, &ticket).len(), 2);
}

#[tokio::test]
async fn a_lost_reply_adds_no_second_note() {
    for (fault, quirk) in [
        (FaultKind::ReplyLostAfterCommit, None),
        (FaultKind::ReplyLostBeforeCommit, None),
        (FaultKind::ErrorApplied, None),
        (FaultKind::ReplyLostAfterCommit, Some(Quirk::JournalUnreadable)),
        (FaultKind::ReplyLostAfterCommit, Some(Quirk::CorrelationUnwritable)),
    ] {
        let world = World::with(quirk.as_slice()).await;
        let ticket = incident(&world, "INC0010001").await;
        world.sandbox.inject_once("PATCH", "*", fault.clone());
        assert_eq!(
            note(&world, &ticket, 1).await.as_str(),
            "Unknown",
            "{fault:?} {quirk:?}"
        );
        assert_eq!(note(&world, &ticket, 1).await, Sent::Done, "{fault:?} {quirk:?}");
        assert_eq!(notes(&world, &ticket).len(), 1, "{fault:?} {quirk:?}");
    }
}

#[tokio::test]
async fn what_another_product_wrote_into_correlation_id_stays() {
    let world = World::start().await;
    let ticket = incident(&world, "INC0010001").await;
    world
        .instance()
        .change_record("incident", &ticket.id, &[("correlation_id", "MON-4711")]);
    let refused = note(&world, &ticket, 1).await;
    assert!(
        matches!(&refused, Sent::NotSent(why) if why.class == FailureClass::NeedsConfig),
        "no note is seen: {refused:?}"
    );
    let other = incident(&world, "INC0010002").await;
    assert_eq!(note(&world, &other, 7).await, Sent::Done);
    for _ in 0..2 {
        assert_eq!(note(&world, &ticket, 1).await, Sent::Done, "the journal tells");
    }
    assert_eq!(notes(&world, &ticket).len(), 1);
    let record = world.instance().record("incident", "sys_id", &ticket.id).unwrap();
    assert_eq!(record["correlation_id"], "MON-4711");
}

#[tokio::test]
async fn where_nothing_could_tell_no_note_is_written() {
    let world = World::start().await;
    let ticket = incident(&world, "INC0010001").await;
    assert_eq!(note(&world, &ticket, 1).await, Sent::Done);
    for quirk in [Quirk::JournalUnreadable, Quirk::CorrelationUnwritable] {
        world.instance().set_quirk(quirk, true);
    }
    world
        .instance()
        .change_record("incident", &ticket.id, &[("correlation_id", "")]);
    let sent = note(&world, &ticket, 1).await;
    assert!(
        matches!(&sent, Sent::NotSent(why) if why.class == FailureClass::NeedsConfig),
        "{sent:?}"
    );
    assert_eq!(notes(&world, &ticket).len(), 1);
}

#[tokio::test]
async fn a_ticket_is_resolved_by_labels_once() {
    for numbers_differ in [false, true] {
        let quirk = [Quirk::StateNumbersDiffer];
        let world = World::as_user(
            sandbox::servicenow::OPERATOR,
            sandbox::servicenow::OPERATOR_PASSWORD,
            if numbers_differ { &quirk } else { &[] },
        )
        .await;
        let ticket = incident(&world, "INC0010001").await;
        for _ in 0..2 {
            let sent = world.directory.resolve(&call(), &ticket, &resolution(), &mark(3)).await;
            assert_eq!(sent, Sent::Done);
        }
        assert_eq!(world.writes().len(), 1);
        let record = world.instance().record("incident", "sys_id", &ticket.id).unwrap();
        let state = if numbers_differ { "60" } else { "6" };
        assert_eq!(
            (record["state"].as_str(), record["close_code"].as_str()),
            (state, "user_error")
        );
        assert_eq!(record["correlation_id"], format!("readmit.{UID}.3"));
    }
}

#[tokio::test]
async fn a_resolution_that_lacks_its_code_is_refused_by_the_data_policy() {
    let world = World::start().await;
    let ticket = incident(&world, "INC0010001").await;
    let without = Resolution {
        code: String::new(),
        ..resolution()
    };
    let sent = world.directory.resolve(&call(), &ticket, &without, &mark(1)).await;
    assert_eq!(refused(&sent), Some(FailureClass::NeedsConfig), "{sent:?}");
}

#[tokio::test]
async fn a_ticket_that_was_closed_meanwhile_is_left_alone() {
    let world = World::start().await;
    let ticket = incident(&world, "INC0010001").await;
    let closed = [("state", "7"), ("active", "false")];
    world.instance().change_record("incident", &ticket.id, &closed);
    let sent = world.directory.resolve(&call(), &ticket, &resolution(), &mark(1)).await;
    assert_eq!(refused(&sent), Some(FailureClass::Permanent), "{sent:?}");
    assert!(world.writes().is_empty());
}
