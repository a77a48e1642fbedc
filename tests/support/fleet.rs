//! Worker processes, what is done to them, and when: so that whatever is performed twice can be put down to a fault.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::journal;
use crate::processes::{Program, Running};
use crate::worker::WorkerPlan;

/// Long enough for a process to start, or to end, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Workers of one program. All end with it.
#[derive(Debug)]
pub struct Fleet {
    program: PathBuf,
    workers: Vec<Worker>,
    faults: Vec<Fault>,
}

/// One worker process, dead or alive.
#[derive(Debug)]
struct Worker {
    running: Running,
    executors: usize,
}

/// Something that was done on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it was.
    pub what: String,
    /// Whom it hit.
    pub hit: Hit,
    /// When it began, in milliseconds since 1970.
    pub from: u64,
    /// When it ended; nothing while it lasts.
    pub to: Option<u64>,
    /// How many executors it hit: so many runs, and those of a batch of settlements, may be performed again.
    pub executors: usize,
}

/// Whom a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// One process.
    Process(u32),
    /// Every process that uses the store.
    Everybody,
}

/// A fault that lasts, until [`Fleet::end_fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasting(usize);

/// What a worker that stopped said of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the count of its name in `mosquito::Report`")]
pub struct Told {
    pub performed: u64,
    pub failed: u64,
    pub discarded: u64,
    pub cancelled: u64,
    pub put_off: u64,
    pub handed_back: u64,
    pub refused: u64,
    pub unsettled: u64,
    pub stuck: u64,
}

impl Fleet {
    /// Nobody yet. A test names its program by `env!("CARGO_BIN_EXE_crash-worker")`.
    #[must_use]
    pub fn of(program: impl AsRef<Path>) -> Self {
        Self { program: program.as_ref().into(), workers: Vec::new(), faults: Vec::new() }
    }

    /// Starts a worker, and returns its place in the fleet when it is ready to be sent signals.
    ///
    /// # Panics
    ///
    /// When it does not come up.
    pub fn start(&mut self, plan: &WorkerPlan) -> usize {
        let place = self.launch(plan);
        self.wait_until_ready(place);
        place
    }

    /// Starts a worker, and waits for nothing: it may die, or its store may be out of reach, before it is ready.
    pub fn launch(&mut self, plan: &WorkerPlan) -> usize {
        self.launch_as(Program::at(&self.program), plan)
    }

    /// Starts another program as a worker, which is given the plan as its last argument, and waits for nothing.
    pub fn launch_as(&mut self, program: Program, plan: &WorkerPlan) -> usize {
        let plan_text = serde_json::to_string(plan).expect("a plan serializes");
        self.workers.push(Worker { running: program.arg(plan_text).start(), executors: plan.executors });
        self.workers.len() - 1
    }

    /// Waits until a worker that was launched is ready to be sent signals.
    ///
    /// # Panics
    ///
    /// When it does not come up.
    pub fn wait_until_ready(&self, place: usize) {
        let _overseer = self.workers[place].running.wait_for_line("ready ", PATIENCE);
    }

    /// One of the workers, dead or alive.
    #[must_use]
    pub fn worker(&self, place: usize) -> &Running {
        &self.workers[place].running
    }

    /// The process id of one of the workers.
    #[must_use]
    pub fn pid(&self, place: usize) -> u32 {
        self.worker(place).id()
    }

    /// Ends a worker as a power cut would.
    pub fn kill(&mut self, place: usize) {
        let (hit, executors) = (Hit::Process(self.pid(place)), self.workers[place].executors);
        let killed = self.begin_fault("kill -9", hit, executors);
        self.workers[place].running.kill();
        self.end_fault(killed);
    }

    /// Waits for a worker that dies by itself, at its fail point or of a run, and counts that as a fault.
    ///
    /// # Panics
    ///
    /// When it does not, or ends in another way than by the signal.
    pub fn wait_for_death(&mut self, place: usize, signal: Signal) {
        let status = self.workers[place].running.wait_for_end(PATIENCE);
        assert_eq!(
            status.signal(),
            Some(signal as i32),
            "the worker ended otherwise than by {signal}: {status}\n{}",
            self.worker(place).lines().join("\n")
        );
        let (pid, executors) = (self.pid(place), self.workers[place].executors);
        self.fault(signal.as_str(), Hit::Process(pid), executors);
    }

    /// Holds a worker: it does nothing, and does not know it, until [`thaw`](Self::thaw).
    pub fn freeze(&mut self, place: usize) -> Lasting {
        self.worker(place).signal(Signal::SIGSTOP);
        wait_until_held(self.pid(place));
        let (hit, executors) = (Hit::Process(self.pid(place)), self.workers[place].executors);
        self.begin_fault("SIGSTOP", hit, executors)
    }

    /// Lets a held worker go on.
    pub fn thaw(&mut self, place: usize, held: Lasting) {
        self.worker(place).signal(Signal::SIGCONT);
        self.end_fault(held);
    }

    /// Tells a worker to stop. That is no fault, unless it does not come to its end: see [`stop`](Self::stop).
    pub fn terminate(&self, place: usize) {
        self.worker(place).signal(Signal::SIGTERM);
    }

    /// Tells a worker to stop, and returns what it says of itself.
    ///
    /// # Panics
    ///
    /// When it does not end in time, or ends badly.
    pub fn stop(&mut self, place: usize) -> Told {
        self.terminate(place);
        self.wait_for_report(place)
    }

    /// Waits for a worker that was told to stop, and returns what it says of itself.
    ///
    /// # Panics
    ///
    /// As [`stop`](Self::stop).
    pub fn wait_for_report(&mut self, place: usize) -> Told {
        let status = self.wait_for_end(place);
        let running = self.worker(place);
        assert!(status.success(), "the worker ended with {status}:\n{}", running.lines().join("\n"));
        Told::read(&running.wait_for_line("report ", PATIENCE))
    }

    /// Waits until a worker has ended, however it does.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn wait_for_end(&mut self, place: usize) -> ExitStatus {
        self.workers[place].running.wait_for_end(PATIENCE)
    }

    /// Writes down a fault that is over at once, such as `CLIENT KILL`: `fleet.fault("CLIENT KILL", Hit::Everybody, 10)`.
    pub fn fault(&mut self, what: &str, hit: Hit, executors: usize) {
        let lasting = self.begin_fault(what, hit, executors);
        self.end_fault(lasting);
    }

    /// Writes down that a fault begins, such as a server that hangs.
    pub fn begin_fault(&mut self, what: &str, hit: Hit, executors: usize) -> Lasting {
        self.faults.push(Fault { what: what.into(), hit, from: journal::now(), to: None, executors });
        Lasting(self.faults.len() - 1)
    }

    /// Writes down that it is over.
    pub fn end_fault(&mut self, lasting: Lasting) {
        self.faults[lasting.0].to = Some(journal::now());
    }

    /// All that was done so far.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl Fault {
    /// Whether it hit a process, or everybody, in a span of time.
    #[must_use]
    pub fn explains(&self, pids: &[u32], from: u64, to: u64) -> bool {
        let hit = match self.hit {
            Hit::Process(pid) => pids.contains(&pid),
            Hit::Everybody => true,
        };
        hit && self.from <= to && self.to.is_none_or(|end| end >= from)
    }
}

impl Told {
    fn read(line: &str) -> Self {
        let mut told = Self::default();
        for (name, count) in line.split(' ').filter_map(|word| word.split_once('=')) {
            let count = count.parse().unwrap_or_else(|_| panic!("`{line}` is no report"));
            match name {
                "performed" => told.performed = count,
                "failed" => told.failed = count,
                "discarded" => told.discarded = count,
                "cancelled" => told.cancelled = count,
                "put_off" => told.put_off = count,
                "handed_back" => told.handed_back = count,
                "refused" => told.refused = count,
                "unsettled" => told.unsettled = count,
                "stuck" => told.stuck = count,
                _ => panic!("`{line}` has a count of an unknown name"),
            }
        }
        told
    }
}

/// Waits until each thread of a process that was told to stand still does: the signal takes a moment, in which one may
/// still take a lock.
fn wait_until_held(pid: u32) {
    let begin = Instant::now();
    while !is_held(pid) {
        assert!(begin.elapsed() < Duration::from_secs(60), "the process {pid} does not stand still");
        std::thread::yield_now();
    }
}

fn is_held(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process is there");
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // Behind its name, which stands in brackets; a thread that has ended meanwhile has no state.
        stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T'))
    })
}
