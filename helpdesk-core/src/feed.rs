//! From the log to durable subscribers: every event a subscriber wants becomes a delivery, in the order of the log, and
//! each delivery is worked on until it is done, or given up as a dead letter.
//!
//! A subscriber's place in the log moves together with the deliveries it makes, so none is lost or doubled whatever
//! dies when. What a delivery changes is committed together with its end: exactly once in the database, at least once
//! outside.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::desk::Desk;
use crate::error::ActError;
use crate::event::{Cursor, Envelope};
use crate::id::{CommandId, JobId, Mint};
use crate::jobs::Verdict;
use crate::store::{Job, Lease, NewJob};

/// Events read from the log at once.
const PAGE: u16 = 500;

/// Somebody who is to be told of every event they want, exactly once: a plugin host, a notifier, a roll-up.
pub trait Subscriber: Send + Sync + 'static {
    /// A stable name: its place in the log is remembered under it.
    fn name(&self) -> &str;

    /// To whom each of these events is to be delivered, one list per event; an empty one: it is not wanted. Called in
    /// log order, outside any transaction, perhaps more than once for one event.
    fn wants<'a>(
        &'a self,
        desk: &'a Desk,
        events: &'a [Envelope],
    ) -> BoxFuture<'a, Result<Vec<Vec<Addressee>>, ActError>>;

    /// Does what is to be done about an event. Of one addressee and subject only one delivery runs at a time, in order.
    fn deliver<'a>(&'a self, desk: &'a Desk, delivery: &'a Delivery) -> BoxFuture<'a, Result<Verdict, ActError>>;
}

/// Who an event is delivered to inside a subscriber: one plugin, say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// A name, unique inside the subscriber.
    pub name: String,
    /// How often it is tried before it becomes a dead letter.
    pub tries: i32,
}

/// One event for one addressee.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// To whom.
    pub to: String,
    /// The event.
    pub event: Envelope,
    /// Which try this is, from 1.
    pub attempt: i32,
    /// How the last try failed.
    pub error: Option<String>,
    /// What finishes it: hand it to [`Set::done`](crate::desk::Set::done).
    pub lease: Lease,
}

#[derive(Debug, Serialize, Deserialize)]
struct Slip {
    to: String,
    seq: i64,
}

/// The queue of a subscriber's deliveries.
pub fn queue(subscriber: &str) -> String {
    format!("deliver:{subscriber}")
}

impl Desk {
    /// Turns the next events of the log into deliveries of `subscriber`; whether there were any events.
    pub(crate) async fn fan_out(&self, subscriber: &dyn Subscriber) -> Result<bool, ActError> {
        let store = self.store();
        let from = store.position(subscriber.name()).await?;
        let (events, upto) = store.after(None, from, PAGE).await?;
        if upto == from {
            return Ok(false);
        }
        let mut jobs = Vec::new();
        let wanted = if events.is_empty() { vec![] } else { subscriber.wants(self, &events).await? };
        for (event, addressees) in events.iter().zip(wanted) {
            for addressee in addressees {
                jobs.push(delivery(subscriber.name(), &addressee, event, self.clock().now()));
            }
        }
        // Somebody else may have moved it meanwhile: then their deliveries stand, and ours are not written.
        store.advance(subscriber.name(), from, upto, &jobs).await?;
        Ok(true)
    }

    /// The delivery a job stands for; `None` when its slip or its event cannot be read.
    pub(crate) async fn open_delivery(&self, job: &Job) -> Result<Option<Delivery>, ActError> {
        let Ok(slip) = serde_json::from_str::<Slip>(&job.job.data) else { return Ok(None) };
        let (mut events, _) = self.store().after(Some(job.job.tenant), Cursor::at(slip.seq - 1), 1).await?;
        let event = events.pop().filter(|event| event.cursor == Cursor::at(slip.seq));
        Ok(event.map(|event| Delivery {
            to: slip.to,
            event,
            attempt: job.attempt,
            error: job.error.clone(),
            lease: job.lease,
        }))
    }
}

/// The job of a delivery; its id follows from the event and the addressee, so that making it twice makes the same.
fn delivery(subscriber: &str, to: &Addressee, event: &Envelope, now: crate::time::Timestamp) -> NewJob {
    let seq = event.cursor.seq();
    let id: JobId = Mint::new(CommandId::from(uuid::Uuid::from(event.id))).named(&format!("{subscriber}/{}", to.name));
    NewJob {
        tenant: event.tenant,
        id,
        queue: queue(subscriber),
        key: format!("{}/{seq}", to.name),
        subject: format!("{}/{}:{}", to.name, event.subject.kind(), event.subject.key()),
        seq,
        priority: 1,
        run_at: now,
        tries: to.tries,
        // Plain data with string keys always serialises.
        data: serde_json::to_string(&Slip { to: to.name.clone(), seq }).unwrap_or_default(),
    }
}
