//! Programs of this workspace as processes of their own: to read what they print, signal them and kill them.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

/// A program that cargo built, with its arguments and environment.
#[derive(Debug)]
#[must_use = "it is not started"]
pub struct Program(Command);

impl Program {
    /// A program at a path, such as the one cargo tells a test in `CARGO_BIN_EXE_…`.
    pub fn at(path: impl AsRef<Path>) -> Self {
        let mut command = Command::new(path.as_ref());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command)
    }

    /// An example of this workspace.
    ///
    /// # Panics
    ///
    /// When it is not built.
    pub fn example(name: &str) -> Self {
        Self::built("examples", name)
    }

    /// A binary of another package of this workspace.
    ///
    /// # Panics
    ///
    /// When it is not built.
    pub fn binary(name: &str) -> Self {
        Self::built("", name)
    }

    fn built(folder: &str, name: &str) -> Self {
        let path = built_folder().join(folder).join(name);
        let how = "build it with `cargo build --workspace --all-targets`";
        assert!(path.exists(), "the program {} does not exist: {how}", path.display());
        Self::at(path)
    }

    /// Gives it one more argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// Gives it a variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Has it work in another folder.
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// When that is impossible.
    #[must_use = "a program is killed when it is dropped"]
    pub fn start(mut self) -> Running {
        let name = self.0.get_program().to_string_lossy().into_owned();
        let mut child = self.0.spawn().unwrap_or_else(|why| panic!("{name} does not start: {why}"));
        let output = Arc::<Output>::default();
        output.collect(child.stdout.take().expect("it is piped"));
        output.collect(child.stderr.take().expect("it is piped"));
        Running { name, child, output }
    }
}

/// A program that runs: killed when it is dropped.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    output: Arc<Output>,
}

impl Running {
    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All lines that it has printed so far, on both streams.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.output.lock().lines.clone()
    }

    /// Waits until it has printed a line that contains the text, and returns that line.
    ///
    /// # Panics
    ///
    /// When it has not in time; the message shows what it did print.
    #[must_use]
    pub fn wait_for_line(&self, text: &str, within: Duration) -> String {
        let deadline = Instant::now() + within;
        let mut printed = self.output.lock();
        loop {
            if let Some(line) = printed.lines.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let what = if printed.streams == 0 { "ended and" } else { "runs and" };
            assert!(
                !left.is_zero() && printed.streams > 0,
                "{} {what} did not print `{text}` within {within:?}, but:\n{}",
                self.name,
                printed.lines.join("\n")
            );
            printed = self.output.wait(printed, left);
        }
    }

    /// Waits until it has ended, and all that it printed is read.
    ///
    /// # Panics
    ///
    /// When it has not in time; the message shows what it printed.
    #[must_use]
    pub fn wait_for_end(&mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                self.output.wait_for_the_rest();
                return status;
            }
            let said = || self.lines().join("\n");
            assert!(Instant::now() < deadline, "{} did not end within {within:?}:\n{}", self.name, said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// When it is not there any more.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id is small");
        signal::kill(Pid::from_raw(id), signal)
            .unwrap_or_else(|why| panic!("{} cannot be sent {signal}: {why}", self.name));
    }

    /// Ends it as a power cut would, and returns when it is gone.
    pub fn kill(&mut self) {
        // It fails only when the process is gone already, which is what is wanted.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a program printed.
#[derive(Debug, Default)]
struct Output {
    printed: Mutex<Printed>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Printed {
    lines: Vec<String>,
    /// How many streams are not read to their end.
    streams: usize,
}

impl Output {
    /// Reads a stream to its end, on a thread of its own: a program that nobody listens to stands still.
    fn collect(self: &Arc<Self>, stream: impl Read + Send + 'static) {
        let output = Arc::clone(self);
        output.lock().streams += 1;
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                output.lock().lines.push(String::from_utf8_lossy(&line).into_owned());
                output.changed.notify_all();
            }
            output.lock().streams -= 1;
            output.changed.notify_all();
        });
    }

    /// Waits for the last lines of a program that has ended. A program that it left behind may hold the
    /// streams open: then not for long.
    fn wait_for_the_rest(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut printed = self.lock();
        while printed.streams > 0 && Instant::now() < deadline {
            printed = self.wait(printed, deadline.saturating_duration_since(Instant::now()));
        }
    }

    fn wait<'a>(&self, printed: MutexGuard<'a, Printed>, within: Duration) -> MutexGuard<'a, Printed> {
        self.changed.wait_timeout(printed, within).unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, Printed> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The folder that cargo builds programs into: the one above the folder of this test.
fn built_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a program knows where it is");
    let deps = test.parent().expect("it is in a folder");
    let built = deps.parent().expect("cargo puts tests into a folder in the one for programs");
    built.to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::sys::signal::Signal;

    use super::Program;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn what_a_program_prints_is_read_line_by_line() {
        let mut shell = Program::at("sh").arg("-c").arg("echo one; echo two >&2; exit 3").start();

        assert_eq!(shell.wait_for_line("tw", SOON), "two", "on either stream");
        assert_eq!(shell.wait_for_end(SOON).code(), Some(3), "and how it ended is told");
    }

    #[test]
    fn a_signal_arrives() {
        let mut shell = Program::at("sh")
            .arg("-c")
            .arg("trap 'echo caught; exit 0' TERM; echo ready; while :; do sleep 0.01; done")
            .start();
        let _ready = shell.wait_for_line("ready", SOON);

        shell.signal(Signal::SIGTERM);

        assert!(shell.wait_for_end(SOON).success(), "it took the signal as its shell says");
        assert_eq!(shell.wait_for_line("caught", SOON), "caught", "its last line is not lost");
    }

    #[test]
    #[should_panic(expected = "runs and did not print `never` within 50ms, but:\nsomething else")]
    fn a_line_that_does_not_come_is_missed_with_what_came_instead() {
        let shell = Program::at("sh").arg("-c").arg("echo something else; exec sleep 60").start();
        let _first = shell.wait_for_line("something", SOON);

        let _line = shell.wait_for_line("never", Duration::from_millis(50));
    }

    #[test]
    #[should_panic(expected = "ended and did not print `never`")]
    fn a_program_that_has_ended_is_not_waited_for() {
        let shell = Program::at("true").start();

        let _line = shell.wait_for_line("never", SOON);
    }
}
