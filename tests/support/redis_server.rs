//! A real `redis-server`, started for a test and ended with it.
//!
//! Each server has a small shell as its warden, which starts it at our word. When our end of the warden's
//! input closes, because the server is dropped or because this process is gone (killed, too), the
//! warden ends the server and removes its files.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const MISSING: &str = "redis-server is not on the PATH: install it (Debian: apt-get install redis-server) \
                       or run scripts/test, which does";

/// Starts the server for each line that it reads, and ends everything when there is nothing more to read.
const WARDEN: &str = r#"
dir=$1; shift
while read -r start; do
    redis-server "$dir/redis.conf" "$@" >>"$dir/log" 2>&1 &
    pid=$!
    echo "$pid"
done
kill -9 "$pid" 2>/dev/null
wait
rm -rf "$dir"
"#;

const DEADLINE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(5);

/// A Redis server of a test's own, without persistence unless it is asked for.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    dir: PathBuf,
    warden: Child,
    answers: BufReader<ChildStdout>,
    pid: Pid,
}

impl RedisServer {
    /// Whether there is a `redis-server` to start.
    #[must_use]
    pub fn is_installed() -> bool {
        Command::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    }

    /// Starts a server, and returns when it answers.
    ///
    /// # Panics
    ///
    /// When there is no `redis-server`, or it does not come up.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with more arguments than the usual ones, such as `["--appendonly", "yes"]`.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_from("", arguments)
    }

    /// Starts a server that may rewrite its configuration file, which begins with these lines.
    pub(crate) fn start_from(configuration: &str, arguments: &[&str]) -> Self {
        assert!(Self::is_installed(), "{MISSING}");
        // Between finding a free port and taking it, somebody else may take it.
        let mut refusal = String::new();
        for _ in 0..5 {
            match Self::try_start(configuration, arguments) {
                Ok(server) => return server,
                Err(why) => refusal = why,
            }
        }
        panic!("redis-server does not start: {refusal}");
    }

    fn try_start(configuration: &str, arguments: &[&str]) -> Result<Self, String> {
        let port = free_port();
        let dir = tempfile::Builder::new()
            .prefix("mosquito-redis-")
            .tempdir()
            .expect("a folder for temporary files can be written")
            .keep();
        std::fs::write(dir.join("redis.conf"), configuration).expect("its folder can be written");
        let mut warden = Command::new("sh")
            .args(["-c", WARDEN, "redis-warden"])
            .arg(&dir)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(&dir)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Out of reach of a Ctrl-C, which would end the warden before its work is done.
            .process_group(0)
            .spawn()
            .expect("there is a shell");
        let answers = BufReader::new(warden.stdout.take().expect("it is piped"));
        let mut server = Self { port, dir, warden, answers, pid: Pid::from_raw(0) };
        server.launch()?;
        Ok(server)
    }

    /// What a client connects to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// The port that it listens on, which stays the same when it is started again.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it keeps its data and its log.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Sends one command, over a connection of its own, and reads the answer as a `T`:
    /// `server.command::<Vec<String>>(&["KEYS", "*"])`.
    ///
    /// # Panics
    ///
    /// When the server cannot be reached, refuses the command, or answers something else.
    pub fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let (name, arguments) = words.split_first().expect("a command has a name");
        let mut connection = redis::Client::open(self.url())
            .and_then(|client| client.get_connection())
            .unwrap_or_else(|why| panic!("no connection for {words:?}: {why}"));
        redis::cmd(name)
            .arg(arguments)
            .query(&mut connection)
            .unwrap_or_else(|why| panic!("{words:?} failed: {why}"))
    }

    /// Ends the server as an operator would, and returns when it is gone.
    ///
    /// # Panics
    ///
    /// When it does not go.
    pub fn stop(&mut self) {
        self.end(Signal::SIGTERM);
    }

    /// Ends the server as a power cut would.
    ///
    /// # Panics
    ///
    /// When it does not go.
    pub fn kill(&mut self) {
        self.end(Signal::SIGKILL);
    }

    /// Starts a stopped server again, on the same port and the same files.
    ///
    /// # Panics
    ///
    /// When it does not come up.
    pub fn start_again(&mut self) {
        self.launch().unwrap_or_else(|why| panic!("redis-server does not start again: {why}"));
    }

    /// Stops the server and starts it again.
    ///
    /// # Panics
    ///
    /// When it does not go or does not come up.
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Holds the server: its connections stay open and nothing is answered, until [`thaw`](Self::thaw).
    pub fn freeze(&self) {
        kill(self.pid, Signal::SIGSTOP).expect("the server is there");
    }

    /// Lets a held server go on.
    pub fn thaw(&self) {
        kill(self.pid, Signal::SIGCONT).expect("the server is there");
    }

    fn launch(&mut self) -> Result<(), String> {
        let orders = self.warden.stdin.as_mut().expect("it is piped");
        writeln!(orders, "start").map_err(|why| format!("its warden is gone: {why}"))?;
        let mut pid = String::new();
        self.answers.read_line(&mut pid).map_err(|why| format!("its warden is gone: {why}"))?;
        self.pid = Pid::from_raw(pid.trim().parse().map_err(|_| format!("`{pid}` is no process id"))?);
        let begin = Instant::now();
        while !self.is_ours() {
            let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            if log.contains("Failed listening on port") || begin.elapsed() > DEADLINE {
                return Err(log);
            }
            std::thread::sleep(STEP);
        }
        Ok(())
    }

    /// Whether what answers at the port is the server that was started, and it serves.
    fn is_ours(&self) -> bool {
        ask(self.port, "INFO server").is_some_and(|info| info.contains(&format!("process_id:{}\r", self.pid)))
            && ask(self.port, "PING").is_some_and(|answer| answer.starts_with("+PONG"))
    }

    fn end(&mut self, signal: Signal) {
        kill(self.pid, signal).expect("the server is there");
        let begin = Instant::now();
        while TcpStream::connect(address(self.port)).is_ok() {
            assert!(begin.elapsed() < DEADLINE, "redis-server is still there {DEADLINE:?} after {signal}");
            std::thread::sleep(STEP);
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        drop(self.warden.stdin.take());
        // It has nothing more to do than to end a process and remove a folder.
        let _ended = self.warden.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    // Below those that systems give to connections, of which there are thousands; a cluster's servers talk at 10,000 above.
    let is_free =
        |port: &u16| [*port, *port + 10_000].iter().all(|port| TcpListener::bind(address(*port)).is_ok());
    (0..1_000).map(|_| fastrand::u16(10_000..22_000)).find(is_free).expect("there is a free port")
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The first part of what a server says to a command, if there is one that says anything.
fn ask(port: u16, command: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address(port), Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    write!(stream, "{command}\r\n").ok()?;
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[..length]).into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::{RedisServer, address};

    #[test]
    fn a_server_ends_with_the_test_and_leaves_nothing_behind() {
        let server = RedisServer::start();
        let (port, dir) = (server.port(), server.dir().to_owned());
        assert_eq!(server.command::<String>(&["PING"]), "PONG", "it serves");

        drop(server);

        assert!(TcpStream::connect(address(port)).is_err(), "it is gone");
        assert!(!dir.exists(), "and so are its files");
    }

    #[test]
    fn a_server_that_keeps_a_log_finds_its_data_again() {
        let mut server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
        let port = server.port();
        let _: String = server.command(&["SET", "key", "value"]);

        server.kill();
        server.start_again();

        assert_eq!(server.command::<String>(&["GET", "key"]), "value", "it was written down");
        assert_eq!(server.port(), port, "clients find it where it was");
    }
}
