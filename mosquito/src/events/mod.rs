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

    /// Tells a fact to the log and to whoever subscribed. A log that takes errors alone may take what is told.
    pub(crate) fn emit(&self, fact: impl FnOnce() -> Event) {
        let heard = self.sender.receiver_count() > 0;
        if heard || tracing::enabled!(target: "mosquito", tracing::Level::ERROR) {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tracing::level_filters::LevelFilter;
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Level, Metadata, Subscriber};

    use super::{Event, Events};

    /// Counts the lines of a log that takes warnings and errors only.
    struct Warnings(Arc<AtomicUsize>);

    impl Subscriber for Warnings {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() <= Level::WARN
        }

        fn max_level_hint(&self) -> Option<LevelFilter> {
            Some(LevelFilter::WARN)
        }

        fn event(&self, _: &tracing::Event<'_>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn a_log_that_takes_warnings_only_gets_them() {
        let lines = Arc::new(AtomicUsize::new(0));

        tracing::subscriber::with_default(Warnings(lines.clone()), || {
            Events::new().emit(|| Event::BackendBack { after: Duration::ZERO });
            Events::new().emit(|| Event::BackendLost { reason: "it hangs".into() });
        });

        assert_eq!(lines.load(Ordering::SeqCst), 1, "the loss is a warning, the return is not");
    }
}
