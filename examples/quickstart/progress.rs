//! How far it is: a bar on a terminal, lines anywhere else.

use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tracing_subscriber::EnvFilter;

/// Shared by everyone who moves the bar, and by the log, which must not write across it.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    launched: Instant,
    first_run: Arc<OnceLock<Duration>>,
    had_before: Arc<AtomicU64>,
    /// How many tenths were told in a line.
    told: Arc<AtomicU64>,
}

impl Progress {
    /// Begins at nothing.
    pub(crate) fn new(launched: Instant) -> Self {
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} files, {per_sec}")
            .expect("the template is right");
        let bar = ProgressBar::new(0).with_style(style);
        Self { bar, launched, first_run: Arc::default(), had_before: Arc::default(), told: Arc::default() }
    }

    /// Notes that a run is being performed.
    pub(crate) fn began(&self) {
        self.first_run.get_or_init(|| self.launched.elapsed());
    }

    /// Notes that files were found, some of which are done already.
    pub(crate) fn found(&self, files: u64, done: u64) {
        self.bar.inc_length(files);
        self.bar.inc(done);
        self.had_before.fetch_add(done, Ordering::Relaxed);
    }

    /// Notes that a file is done.
    pub(crate) fn done(&self) {
        self.bar.inc(1);
        let tenths = self.bar.position() * 10 / self.bar.length().unwrap_or(1).max(1);
        if self.bar.is_hidden() && self.told.fetch_max(tenths, Ordering::Relaxed) < tenths {
            println!("{} of {} files", self.bar.position(), self.bar.length().unwrap_or(0));
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Has the log written above the bar; `RUST_LOG=mosquito=info` shows each run's life in it.
    pub(crate) fn show_log(&self) {
        let filter =
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,quickstart=info"));
        let bar = self.bar.clone();
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || AboveBar(bar.clone())).init();
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, before) = (self.bar.position(), self.had_before.load(Ordering::Relaxed));
        write!(f, "{done} of {} files", self.bar.length().unwrap_or(0))?;
        if before > 0 {
            write!(f, ", {before} of them before this start")?;
        }
        match self.first_run.get() {
            Some(after) => write!(f, "; first run started {:.1} ms after launch", after.as_secs_f64() * 1e3),
            None => Ok(()),
        }
    }
}

/// Writes to the standard error while the bar is out of the way.
struct AboveBar(ProgressBar);

impl Write for AboveBar {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(text))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
