//! A proxy that delays what goes through it, and counts the commands.
//!
//! Bytes are read as soon as they come and written when they are due, in their order: bandwidth and pipelines stay what they are, only the way is
//! longer. Each direction of a connection has two threads, one that reads and one that writes: a timer of the runtime would be too coarse.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::contestants::Failure;

/// Accepts connections until it is dropped.
pub(crate) struct Proxy {
    port: u16,
    commands: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

/// As much as is read at once.
const CHUNK: usize = 64 * 1024;
/// Threads are many, and do little.
const STACK: usize = 160 * 1024;

impl Proxy {
    /// In front of a port of this machine, each direction so much longer.
    pub(crate) fn before(port: u16, delay: Duration) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let proxy =
            Self { port: listener.local_addr()?.port(), commands: Arc::default(), over: Arc::default() };
        let (commands, over) = (proxy.commands.clone(), proxy.over.clone());
        thread::spawn(move || {
            for client in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let joined = client.and_then(|client| join(client, port, delay, commands.clone()));
                if let Err(error) = joined {
                    eprintln!("proxy: {error}");
                }
            }
        });
        Ok(proxy)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// How many commands clients have sent so far.
    pub(crate) fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the listener, which then ends. When that fails, it is gone already.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn join(client: TcpStream, port: u16, delay: Duration, commands: Arc<AtomicU64>) -> std::io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", port))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let counter = Counter { commands, ..Counter::default() };
    carry(client.try_clone()?, server.try_clone()?, delay, Some(counter))?;
    carry(server, client, delay, None)
}

/// Starts both threads of a direction.
fn carry(from: TcpStream, to: TcpStream, delay: Duration, counter: Option<Counter>) -> std::io::Result<()> {
    let (sender, receiver) = channel();
    let builder = || thread::Builder::new().stack_size(STACK);
    builder().spawn(move || read(from, delay, counter, &sender))?;
    builder().spawn(move || write(to, &receiver))?;
    Ok(())
}

fn read(mut from: TcpStream, delay: Duration, mut counter: Option<Counter>, to: &Sender<(Instant, Vec<u8>)>) {
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return,
            Ok(length) => {
                if let Some(counter) = &mut counter {
                    counter.count(&chunk[..length]);
                }
                if to.send((Instant::now() + delay, chunk[..length].to_vec())).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Ends when the reader has, and ends the other side of the connection with it.
fn write(mut to: TcpStream, from: &Receiver<(Instant, Vec<u8>)>) {
    for (due, bytes) in from {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    // Fails only when it is closed already.
    drop(to.shutdown(Shutdown::Both));
}

/// Counts the commands in a stream of them: each is an array of texts, each text with its length in front.
#[derive(Default)]
struct Counter {
    commands: Arc<AtomicU64>,
    /// The line that is being read, without its end.
    line: Vec<u8>,
    /// So many bytes of a text are still to come, with its end.
    text: usize,
}

impl Counter {
    fn count(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.text > 0 {
                let taken = self.text.min(bytes.len());
                self.text -= taken;
                bytes = &bytes[taken..];
                continue;
            }
            let (byte, rest) = (bytes[0], &bytes[1..]);
            bytes = rest;
            match byte {
                b'\n' => self.line_ends(),
                b'\r' => {}
                byte => self.line.push(byte),
            }
        }
    }

    fn line_ends(&mut self) {
        let number = |line: &[u8]| std::str::from_utf8(line).ok()?.parse::<usize>().ok();
        match self.line.split_first() {
            Some((b'*', _)) => {
                self.commands.fetch_add(1, Ordering::Relaxed);
            }
            Some((b'$', length)) => self.text = number(length).map_or(0, |length| length + 2),
            _ => {}
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{Counter, Proxy};
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    #[test]
    fn commands_are_counted_however_they_are_cut() {
        let mut counter = Counter::default();
        let bytes = b"*2\r\n$4\r\nLLEN\r\n$5\r\n*1\r\n$\r\n*1\r\n$4\r\nPING\r\n";

        for byte in bytes {
            counter.count(&[*byte]);
        }
        counter.count(bytes);

        assert_eq!(counter.commands.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn what_goes_through_comes_back_later() {
        let echo = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::before(echo.local_addr().unwrap().port(), Duration::from_millis(20)).unwrap();
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        let (mut server, _) = echo.accept().unwrap();
        let start = Instant::now();

        client.write_all(b"ping").unwrap();
        let mut read = [0; 4];
        server.read_exact(&mut read).unwrap();
        server.write_all(&read).unwrap();
        client.read_exact(&mut read).unwrap();

        assert_eq!(&read, b"ping");
        assert!(start.elapsed() >= Duration::from_millis(40));
    }
}
