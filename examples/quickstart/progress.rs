//! How far it is: a bar on a terminal, lines anywhere else.

use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tracing_subscriber::EnvFilter;

/// Shared by everyone who moves the bar, and by the log, which must not write across it.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    launched: Instant,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    first_run: OnceLock<Duration>,
    before: AtomicU64,
    now: AtomicU64,
    given_up: AtomicU64,
    all_found: AtomicBool,
    /// How many tenths were told in a line.
    told: AtomicU64,
}

impl Progress {
    /// Begins at nothing.
    pub(crate) fn new(launched: Instant) -> Self {
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} files, {per_sec}")
            .expect("the template is right");
        Self { bar: ProgressBar::new(0).with_style(style), launched, counts: Arc::default() }
    }

    /// Notes that a run is being performed; the first one is told.
    pub(crate) fn began(&self) {
        self.counts.first_run.get_or_init(|| {
            let after = self.launched.elapsed();
            tracing::info!(target: "quickstart", "first run started {} after launch", milliseconds(after));
            after
        });
    }

    /// Notes that files were found, and how many an earlier start fingerprinted or gave up.
    pub(crate) fn found(&self, files: u64, before: u64, given_up: u64) {
        self.bar.inc_length(files);
        self.counts.before.fetch_add(before, Ordering::Relaxed);
        self.counts.given_up.fetch_add(given_up, Ordering::Relaxed);
        self.bar.inc(before + given_up);
    }

    /// Notes that there are no more files.
    pub(crate) fn all_found(&self) {
        self.counts.all_found.store(true, Ordering::Relaxed);
        self.tell();
    }

    /// Notes that a file is done.
    pub(crate) fn fingerprinted(&self) {
        self.one_more(&self.counts.now);
    }

    /// Notes that a file's run is dead.
    pub(crate) fn given_up(&self) {
        self.one_more(&self.counts.given_up);
    }

    fn one_more(&self, count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
        self.bar.inc(1);
        self.tell();
    }

    /// Where there is no bar, each tenth gets a line.
    fn tell(&self) {
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let tenths = done * 10 / all.max(1);
        if self.bar.is_hidden()
            && self.counts.all_found.load(Ordering::Relaxed)
            && self.counts.told.fetch_max(tenths, Ordering::Relaxed) < tenths
        {
            println!("{done} of {all} files");
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Has the log written above the bar; `RUST_LOG=mosquito=info` shows each run's life in it.
    pub(crate) fn show_log(&self) {
        let usual = || EnvFilter::new("warn,quickstart=info");
        let bar = self.bar.clone();
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| usual()))
            .with_ansi(!bar.is_hidden())
            .with_writer(move || AboveBar(bar.clone()))
            .init();
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { before, now, given_up, first_run, .. } = &*self.counts;
        write!(f, "{} of {} files: ", self.bar.position(), self.bar.length().unwrap_or(0))?;
        write!(f, "{} fingerprinted now, {} before, ", count(now), count(before))?;
        write!(f, "{} dead", count(given_up))?;
        match first_run.get() {
            Some(after) => write!(f, "; first run started {} after launch", milliseconds(*after)),
            None => Ok(()),
        }
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
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
