//! What happens, as it happens: one typed [`Event`] per fact.
//!
//! Each fact is emitted by one line, where it comes true; how it reads in the log stands in `event.rs`.
//! A fact that nobody listens to and no log level asks for costs a look at two counters.

mod event;

use tokio::sync::broadcast;

pub use event::Event;

/// How many events a slow subscriber may be behind before it misses the oldest.
const BACKLOG: usize = 4_096;

/// Where the parts of mosquito tell what happens.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    sender: broadcast::Sender<Event>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::Sender::new(BACKLOG) }
    }

    /// Tells a fact to the log and to whoever subscribed.
    pub(crate) fn emit(&self, fact: impl FnOnce() -> Event) {
        let heard = self.sender.receiver_count() > 0;
        if heard || tracing::enabled!(target: "mosquito", tracing::Level::INFO) {
            let event = fact();
            event.log();
            if heard {
                // The last subscriber may have gone a moment ago.
                let _ = self.sender.send(event);
            }
        }
    }

    pub(crate) fn subscribe(&self) -> EventStream {
        EventStream { receiver: self.sender.subscribe() }
    }
}

/// The events of one client and its runners, from the moment of subscription on.
#[derive(Debug)]
pub struct EventStream {
    receiver: broadcast::Receiver<Event>,
}

impl EventStream {
    /// The next event; `None` when its client and all its runners are gone.
    ///
    /// A subscriber that falls more than 4,096 events behind misses the oldest, and the log says how many.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Closed) => return None,
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    tracing::warn!(target: "mosquito", missed, "a subscriber was too slow and missed events");
                }
            }
        }
    }
}
