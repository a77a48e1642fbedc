//! Looks at the store once, beside the work, and tells what its operator should know.

use std::time::Duration;

use super::desk::Desk;
use crate::events::Event;

/// How long a look may take. It is not worth more.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn look(desk: &Desk) {
    let looked = desk.stop.run_until_cancelled(tokio::time::timeout(PATIENCE, desk.backend.check()));
    // A store that is out of reach, or refuses, is told by those who need it.
    let Some(Ok(Ok(found))) = looked.await else { return };
    for warning in found.warnings {
        desk.events.emit(|| Event::Warned { warning });
    }
    for unchecked in found.unchecked {
        tracing::info!(target: "mosquito", unchecked, "a part of the store could not be checked");
    }
}
