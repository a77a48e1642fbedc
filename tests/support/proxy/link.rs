//! One connection through a proxy: two threads, one for each direction.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::orders::Fate;
use super::resp;
use super::scripts::Script;
use super::{Direction, Network};

#[derive(Debug)]
pub(super) struct Link {
    client: TcpStream,
    server: TcpStream,
    /// What the client is owed, in the order of its commands.
    owed: Mutex<VecDeque<Owed>>,
}

#[derive(Debug)]
enum Owed {
    /// The server's next reply, to a call of this script if it is one.
    Reply(Option<Script>),
    /// An answer in the server's place.
    Ours(Vec<u8>),
}

impl Link {
    pub(super) fn between(client: TcpStream, server: TcpStream) -> io::Result<Arc<Self>> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        Ok(Arc::new(Self { client, server, owed: Mutex::default() }))
    }

    pub(super) fn close(&self) {
        // It fails only when it is closed already.
        let _closed = (self.client.shutdown(Shutdown::Both), self.server.shutdown(Shutdown::Both));
    }

    /// Commands, one by one, to the server or not.
    fn requests(&self, network: &Network) -> io::Result<()> {
        let mut commands = Stream::of(&self.client);
        while let Some(command) = commands.next(network, Direction::ToServer)? {
            let mut state = network.lock();
            let script = state.orders.script(&command);
            let ours = state.orders.answer(&command, script);
            drop(state);
            let mut owed = self.owed();
            match ours {
                Some(answer) => {
                    owed.push_back(Owed::Ours(answer));
                    self.pay(&mut owed)?;
                }
                None => {
                    owed.push_back(Owed::Reply(script));
                    drop(owed);
                    (&self.server).write_all(&command)?;
                }
            }
        }
        Ok(())
    }

    /// Replies, one by one, to the client or not.
    fn replies(&self, network: &Network) -> io::Result<()> {
        let mut replies = Stream::of(&self.server);
        while let Some(reply) = replies.next(network, Direction::ToClient)? {
            let mut owed = self.owed();
            let script = match owed.pop_front() {
                Some(Owed::Reply(script)) => script,
                // Nobody asked: the server speaks by itself.
                Some(ours) => {
                    owed.push_front(ours);
                    None
                }
                None => None,
            };
            let fate = network.lock().orders.fate(script, &reply);
            match fate {
                Fate::Arrives => (&self.client).write_all(&reply)?,
                Fate::Cut(length) => {
                    (&self.client).write_all(&reply[..length])?;
                    return Ok(());
                }
                Fate::Silent => {
                    drop(owed);
                    return replies.swallow();
                }
            }
            self.pay(&mut owed)?;
        }
        Ok(())
    }

    /// Answers of ours whose turn has come.
    fn pay(&self, owed: &mut VecDeque<Owed>) -> io::Result<()> {
        while let Some(Owed::Ours(answer)) = owed.front() {
            (&self.client).write_all(answer)?;
            owed.pop_front();
        }
        Ok(())
    }

    fn owed(&self) -> MutexGuard<'_, VecDeque<Owed>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries bytes both ways until one side closes, or none at all.
pub(super) fn carry(network: &Arc<Network>, link: &Arc<Link>, number: u64, swallows: bool) {
    for direction in [Direction::ToServer, Direction::ToClient] {
        let (network, link) = (network.clone(), link.clone());
        std::thread::spawn(move || {
            // Why it ended is seen on the other side, as on a real network.
            let _ended = match direction {
                Direction::ToServer if swallows => Stream::of(&link.client).swallow(),
                Direction::ToServer => link.requests(&network),
                Direction::ToClient => link.replies(&network),
            };
            link.close();
            network.lock().links.remove(&number);
        });
    }
}

/// What comes in on one side, message by message.
struct Stream<'a> {
    from: &'a TcpStream,
    bytes: Vec<u8>,
}

impl<'a> Stream<'a> {
    fn of(from: &'a TcpStream) -> Self {
        Self { from, bytes: Vec::new() }
    }

    /// The next whole message; nothing when the stream ends.
    fn next(&mut self, network: &Network, direction: Direction) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(length) = resp::message(&self.bytes) {
                return Ok(Some(self.bytes.drain(..length).collect()));
            }
            let mut chunk = [0; 64 * 1024];
            let length = self.from.read(&mut chunk)?;
            if length == 0 {
                return Ok(None);
            }
            if !network.travel(direction) {
                return self.swallow().map(|()| None);
            }
            self.bytes.extend_from_slice(&chunk[..length]);
        }
    }

    /// Reads to the end for nobody.
    fn swallow(&mut self) -> io::Result<()> {
        let mut from = self.from;
        io::copy(&mut from, &mut io::sink()).map(drop)
    }
}
