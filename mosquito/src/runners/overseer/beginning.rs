//! What an overseer hears before it claims anything.

use std::time::Duration;

use super::Overseer;

/// How long it waits for that. Without an answer it begins without, and hears it later.
const FIRST_WORD: Duration = Duration::from_secs(2);

impl Overseer {
    /// Asks the store what operators have said: what is configured, and whether everything is paused.
    pub(super) async fn hear_operators(&self) {
        let heard = async {
            let pauses = self.queues.heed_pauses(&self.desk);
            tokio::join!(self.tuning.look(&self.desk, &self.pool, &self.changed), pauses)
        };
        let _ = tokio::time::timeout(FIRST_WORD, heard).await;
    }
}
