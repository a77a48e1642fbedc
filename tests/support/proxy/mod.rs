//! A network between a client and a Redis server that fails as it is told, and says how often it did.
//!
//! ```text
//! client ──requests──> Proxy ──> server        traffic each way: passes, is late, is held, is swallowed
//!        <──replies───       <──               orders: answer in the server's place, lose an answer, cut one
//! ```
//!
//! It takes the stream apart into commands and replies, so that it can answer a command itself in the right place, and
//! lose exactly the answer of a call that took effect. What it passes on it neither changes, repeats nor reorders:
//! a connection from which bytes are missing carries none after them.

mod link;
mod orders;
mod resp;
mod scripts;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use link::Link;
use orders::{Answer, Loss, Orders};

pub use orders::{Lost, Which};
pub use scripts::Script;

/// How long a connection to the server may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Requests.
    ToServer,
    /// Replies.
    ToClient,
}

/// What becomes of bytes on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Traffic {
    /// They arrive.
    #[default]
    Pass,
    /// They arrive so much later, or up to twice that.
    Delay(Duration),
    /// They arrive when this is over.
    Hold,
    /// They never arrive, and the connection stays open. A connection that lost bytes so carries none in that
    /// direction ever after, as one that a firewall has forgotten; new ones do.
    Swallow,
}

/// A proxy on a port of its own, until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    network: Arc<Network>,
}

impl Proxy {
    /// Starts one in front of a server on this machine.
    ///
    /// # Panics
    ///
    /// When no port is free.
    #[must_use]
    pub fn before(server: u16) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port on this machine");
        let port = listener.local_addr().expect("it is bound").port();
        let network = Arc::new(Network { server, ..Network::default() });
        let accepting = network.clone();
        std::thread::spawn(move || accept(&listener, &accepting));
        Self { port, network }
    }

    /// What a client connects to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on, on all connections.
    pub fn traffic(&self, direction: Direction, traffic: Traffic) {
        self.network.change(|state| state.traffic[direction as usize] = traffic);
    }

    /// Lets all bytes pass, takes all orders back and takes connections. What is lost already stays lost.
    pub fn heal(&self) {
        self.network.change(|state| {
            state.traffic = Default::default();
            state.orders.take_back();
            state.refuses = false;
        });
    }

    /// Closes each new connection as soon as it is made, until [`heal`](Self::heal).
    pub fn refuse(&self) {
        self.network.change(|state| state.refuses = true);
    }

    /// Swallows whatever is sent over the next so many connections that are made, also after [`heal`](Self::heal).
    pub fn swallow_next(&self, connections: usize) {
        self.network.change(|state| state.swallows = connections);
    }

    /// Closes all connections. Answers how many there were.
    pub fn close_all(&self) -> usize {
        let links: Vec<_> = self.network.lock().links.values().cloned().collect();
        links.iter().for_each(|link| link.close());
        links.len()
    }

    /// Answers the next so many commands of a kind in the server's place, such as with `-LOADING soon there`.
    pub fn answer(&self, which: Which, with: &str, times: usize) {
        let answer = Answer { which, with: format!("{with}\r\n").into_bytes(), times };
        self.network.change(|state| state.orders.answers.push(answer));
    }

    /// Loses the answer of the next call of a script that takes effect, or of the one after it, and so on.
    pub fn lose(&self, script: Script, nth: usize, how: Lost) {
        self.network.change(|state| state.orders.losses.push(Loss { script, nth, how }));
    }

    /// Cuts one in so many replies at random: a part of it arrives, and then the connection is closed.
    pub fn cut_replies(&self, one_in: u32, random: fastrand::Rng) {
        self.network.change(|state| state.orders.cuts = Some((one_in, random)));
    }

    /// How many commands it has answered in the server's place.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.network.lock().orders.told.answered
    }

    /// How many answers of calls that took effect it has lost on order, or cut at random.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.network.lock().orders.told.lost
    }

    /// How many calls of a script the server has answered, other than with an error.
    #[must_use]
    pub fn calls(&self, script: Script) -> usize {
        self.network.lock().orders.told.calls.get(&script).copied().unwrap_or(0)
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.network.lock().links.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.network.change(|state| state.ended = true);
        self.close_all();
        // Wakes the one that accepts, which then ends.
        let _woken = TcpStream::connect(address(self.port));
    }
}

/// What the connections share.
#[derive(Debug, Default)]
struct Network {
    server: u16,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ended: bool,
    refuses: bool,
    /// How many connections are still to be made that carry nothing.
    swallows: usize,
    traffic: [Traffic; 2],
    orders: Orders,
    links: HashMap<u64, Arc<Link>>,
    made: u64,
}

impl Network {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Lets what was read go its way; false when it is lost.
    fn travel(&self, direction: Direction) -> bool {
        let mut state = self.lock();
        loop {
            match state.traffic[direction as usize] {
                _ if state.ended => return false,
                Traffic::Pass => return true,
                Traffic::Swallow => return false,
                Traffic::Hold => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Traffic::Delay(time) => {
                    drop(state);
                    std::thread::sleep(time);
                    return true;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked elsewhere still lets its connections end.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: &TcpListener, network: &Arc<Network>) {
    for client in listener.incoming().map_while(Result::ok) {
        let mut state = network.lock();
        if state.ended {
            return;
        }
        if state.refuses {
            continue;
        }
        // A server that is not there refuses through us: the client sees its connection closed.
        let Ok(server) = TcpStream::connect_timeout(&address(network.server), CONNECT_WITHIN) else {
            continue;
        };
        let Ok(link) = Link::between(client, server) else { continue };
        let number = state.made;
        state.made += 1;
        state.links.insert(number, link.clone());
        let swallows = state.swallows > 0;
        state.swallows = state.swallows.saturating_sub(1);
        drop(state);
        link::carry(network, &link, number, swallows);
    }
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
