//! SIGTERM and SIGINT.

use std::sync::Arc;
use std::time::Duration;

use crate::runners::Desk;

/// How long a second signal leaves for handing back.
const LEAVE_WITHIN: Duration = Duration::from_millis(1_500);

/// The first signal stops, the second one ends the process.
pub(super) async fn obey(mut signals: Signals, desk: Arc<Desk>) {
    let name = signals.next().await.name;
    tracing::info!(target: "mosquito", signal = name, "stopping; once more to leave at once");
    desk.stop.cancel();
    let second = signals.next().await;
    tracing::warn!(target: "mosquito", signal = second.name, "leaving at once");
    desk.leave.cancel();
    // On a thread of its own: a job may hold those of the runtime, whose end would wait for it.
    let number = second.number;
    std::thread::spawn(move || {
        std::thread::sleep(LEAVE_WITHIN);
        std::process::exit(128 + number);
    });
}

struct SignalKind {
    name: &'static str,
    number: i32,
}

#[cfg(unix)]
pub(super) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// From now on signals are not the end of the process.
    pub(super) fn listen() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let both =
            signal(SignalKind::terminate()).and_then(|one| Ok((one, signal(SignalKind::interrupt())?)));
        match both {
            Ok((terminate, interrupt)) => Some(Self { terminate, interrupt }),
            Err(error) => {
                tracing::error!(target: "mosquito", %error, "signals cannot be listened to: only the handle stops this runner");
                None
            }
        }
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind { name: "SIGTERM", number: 15 },
            _ = self.interrupt.recv() => SignalKind { name: "SIGINT", number: 2 },
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// From now on signals are not the end of the process.
    pub(super) fn listen() -> Option<Self> {
        Some(Self)
    }

    async fn next(&mut self) -> SignalKind {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(target: "mosquito", %error, "Ctrl-C cannot be listened to: only the handle stops this runner");
            std::future::pending::<()>().await;
        }
        SignalKind { name: "Ctrl-C", number: 2 }
    }
}
