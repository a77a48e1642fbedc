//! The whole state of a store as a value, for tests that go on from one state in every way there is.

use std::sync::{Arc, Mutex};

use super::{Memory, Store};
use crate::clock::Clock;

/// All that a store holds at one moment: two that are equal answer every call alike, on clocks that show the same.
///
/// Signals that nobody has taken are no part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checkpoint(Store);

impl Memory {
    /// The state of the store as it is now.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// use mosquito::backend::{Backend, Pause, memory::Memory};
    /// use mosquito::{Clock, QueueName};
    ///
    /// let (clock, mail) = (Clock::manual(), QueueName::new("mail").expect("it is a name"));
    /// let memory = Memory::with_clock(clock.clone());
    /// let before = memory.checkpoint();
    /// memory.pause(&(&mail).into(), &Pause::new()).await?;
    ///
    /// let other = Memory::from_checkpoint(&before, clock);
    /// assert_eq!(other.paused(&(&mail).into()).await?, None);
    /// assert_ne!(memory.checkpoint(), before);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(self.lock().clone())
    }

    /// A store of its own in that state, on a clock that is to go on from the time of the checkpoint.
    #[must_use]
    pub fn from_checkpoint(checkpoint: &Checkpoint, clock: Clock) -> Self {
        Self { clock, doorbell: Arc::default(), store: Arc::new(Mutex::new(checkpoint.0.clone())) }
    }
}
