//! SIGTERM and SIGINT.
//!
//! Invariant: no job can keep a signal from being heard, nor the process from ending. They are listened to on a thread and a
//! runtime of their own, since jobs may hold every thread of the application's.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::runners::Desk;

/// How long a second signal leaves for handing back.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// How much longer than its grace a runner may take to answer. One that can is there after a second.
const STUCK_AFTER: Duration = Duration::from_secs(2);

/// Listens from now on, until the guard is dropped. Both signals stay caught after that.
pub(super) fn listen(desk: Arc<Desk>) -> Option<DropGuard> {
    let over = CancellationToken::new();
    match start(desk, over.clone()) {
        Ok(()) => Some(over.drop_guard()),
        Err(error) => {
            tracing::error!(target: "mosquito", %error, "signals cannot be listened to: only the handle stops this runner");
            None
        }
    }
}

fn start(desk: Arc<Desk>, over: CancellationToken) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Caught before this returns, not when the thread comes to it.
    let caught = {
        let _entered = runtime.enter();
        Signals::catch()
    };
    let signals = match caught {
        Ok(signals) => signals,
        Err(error) => {
            // Where this is called one may not wait for a runtime's end.
            runtime.shutdown_background();
            return Err(error);
        }
    };
    let listen = move || runtime.block_on(obey(signals, &desk, over));
    std::thread::Builder::new().name("mosquito-signals".into()).spawn(listen).map(drop)
}

/// The first signal stops, the second one ends the process.
async fn obey(mut signals: Signals, desk: &Desk, over: CancellationToken) {
    let Some(first) = over.run_until_cancelled(signals.next()).await else { return };
    tracing::info!(target: "mosquito", signal = first.name, "stopping; once more to leave at once");
    desk.stop.cancel();
    let number = tokio::select! {
        () = over.cancelled() => return,
        second = signals.next() => {
            tracing::warn!(target: "mosquito", signal = second.name, "leaving at once");
            desk.leave.cancel();
            tokio::time::sleep(LEAVE_WITHIN).await;
            second.number
        }
        () = tokio::time::sleep(desk.settings.grace.saturating_add(STUCK_AFTER)) => {
            tracing::error!(target: "mosquito", "jobs hold every thread of the runtime: the process ends without them");
            first.number
        }
    };
    std::process::exit(128 + number);
}

struct SignalKind {
    name: &'static str,
    number: i32,
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// From now on signals are not the end of the process.
    fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind { name: "SIGTERM", number: 15 },
            _ = self.interrupt.recv() => SignalKind { name: "SIGINT", number: 2 },
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// From now on signals are not the end of the process.
    fn catch() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> SignalKind {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(target: "mosquito", %error, "Ctrl-C cannot be listened to: only the handle stops this runner");
            std::future::pending::<()>().await;
        }
        SignalKind { name: "Ctrl-C", number: 2 }
    }
}
