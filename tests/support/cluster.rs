//! A Redis Cluster: real processes, which end with the test.

use std::time::Duration;

use crate::redis_server::free_port;
use crate::{RedisServer, eventually};

/// Long enough for an election among processes that get little of a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// How many slots a cluster has.
const SLOTS: usize = 16_384;

/// A cluster of three masters, with or without a replica for each.
#[derive(Debug)]
pub struct RedisCluster {
    servers: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts three masters, and returns when each knows of the others and all slots are served.
    ///
    /// # Panics
    ///
    /// When they do not come up.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts three masters with more arguments than the usual ones.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub async fn start_with(arguments: &[&str]) -> Self {
        let servers: Vec<_> = (0..3).map(|_| start_one(arguments)).collect();
        for (n, server) in servers.iter().enumerate() {
            let (first, last) = (n * SLOTS / 3, (n + 1) * SLOTS / 3 - 1);
            let _: () = server.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(n + 1).to_string()]);
            let _: () = server.command(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
        }
        let cluster = Self { servers };
        cluster.meet(1..3).await;
        cluster
    }

    /// Starts three masters and a replica for each: the server three places behind it.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub async fn start_with_replicas() -> Self {
        let mut cluster = Self::start().await;
        cluster.servers.extend((0..3).map(|_| start_one(&[])));
        cluster.meet(3..6).await;
        for (replica, master) in (3..6).zip(0..3) {
            let id: String = cluster.servers[master].command(&["CLUSTER", "MYID"]);
            let _: () = cluster.servers[replica].command(&["CLUSTER", "REPLICATE", &id]);
        }
        eventually("each replica has what its master has", PATIENCE, || async {
            let replications: Vec<String> =
                cluster.servers[..3].iter().map(|server| server.command(&["INFO", "replication"])).collect();
            let complete = replications.iter().all(|told| told.contains("state=online"));
            if complete { Ok(()) } else { Err(replications) }
        })
        .await;
        cluster
    }

    async fn meet(&self, others: std::ops::Range<usize>) {
        for other in &self.servers[others] {
            let bus: Vec<String> = other.command(&["CONFIG", "GET", "cluster-port"]);
            let _: () = self.servers[0].command(&[
                "CLUSTER",
                "MEET",
                "127.0.0.1",
                &other.port().to_string(),
                &bus[1],
            ]);
        }
        let all = format!("cluster_known_nodes:{}\r", self.servers.len());
        self.agrees(|told| told.contains("cluster_state:ok") && told.contains(&all)).await;
    }

    /// Waits until this is true of what each server, of those that run, says of the cluster.
    async fn agrees(&self, is_so: impl Fn(&str) -> bool) {
        eventually("the servers of the cluster agree", PATIENCE, || async {
            let told: Vec<String> =
                self.servers.iter().map(|server| server.command(&["CLUSTER", "INFO"])).collect();
            if told.iter().all(|told| is_so(told)) { Ok(()) } else { Err(told) }
        })
        .await;
    }

    /// What a client connects to: one server is enough to find the others.
    #[must_use]
    pub fn url(&self) -> String {
        let addresses: Vec<_> =
            self.servers[..3].iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
        format!("redis+cluster://{}", addresses.join(","))
    }

    /// One of the servers.
    #[must_use]
    pub fn server(&self, place: usize) -> &RedisServer {
        &self.servers[place]
    }

    /// One of the servers, to be ended or started.
    pub fn server_mut(&mut self, place: usize) -> &mut RedisServer {
        &mut self.servers[place]
    }

    /// The place of the master that holds a key, by the map of one that runs.
    ///
    /// # Panics
    ///
    /// When the cluster has no such master.
    #[must_use]
    pub fn holder(&self, key: &str, asked: usize) -> usize {
        let slot: i64 = self.servers[asked].command(&["CLUSTER", "KEYSLOT", key]);
        let slots: Vec<Vec<redis::Value>> = self.servers[asked].command(&["CLUSTER", "SLOTS"]);
        let port = slots.into_iter().find_map(|range| match &range[..] {
            [redis::Value::Int(first), redis::Value::Int(last), redis::Value::Array(master), ..]
                if (first..=last).contains(&&slot) =>
            {
                match master[1] {
                    redis::Value::Int(port) => Some(port),
                    _ => None,
                }
            }
            _ => None,
        });
        let place = self.servers.iter().position(|server| Some(i64::from(server.port())) == port);
        place.unwrap_or_else(|| panic!("nobody holds slot {slot}"))
    }

    /// Moves the slot of a key to another master, with all its keys, as an operator would.
    pub fn move_slot(&self, key: &str, to: usize) {
        let from = self.holder(key, 0);
        let tell = |place: usize, words: &[&str]| {
            let _: String = self.servers[place].command(words);
        };
        let id = |place: usize| -> String { self.servers[place].command(&["CLUSTER", "MYID"]) };
        let number: i64 = self.servers[from].command(&["CLUSTER", "KEYSLOT", key]);
        let (slot, port) = (number.to_string(), self.servers[to].port().to_string());
        tell(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
        tell(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
        loop {
            let keys: Vec<String> = self.servers[from].command(&["CLUSTER", "GETKEYSINSLOT", &slot, "1"]);
            let Some(key) = keys.first() else { break };
            tell(from, &["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]);
        }
        for place in [to, from] {
            tell(place, &["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]);
        }
    }

    /// How many connections wait for an item of a list, at all servers.
    #[must_use]
    pub fn blocked(&self) -> usize {
        let blocked = |server: &RedisServer| {
            let clients: String = server.command(&["INFO", "clients"]);
            let count = clients.lines().find_map(|line| line.strip_prefix("blocked_clients:"));
            count.and_then(|count| count.parse::<usize>().ok()).expect("a server counts them")
        };
        self.servers.iter().map(blocked).sum()
    }

    /// Names that stand in a slot of each of the three masters, in their order: queues, say.
    #[must_use]
    pub fn names(&self) -> [String; 3] {
        [0, 1, 2].map(|place| {
            let mut names = (0..).map(|n| format!("queue-{n}"));
            names.find(|name| self.holder(name, 0) == place).expect("there are names enough")
        })
    }
}

fn start_one(arguments: &[&str]) -> RedisServer {
    let bus = free_port().to_string();
    let usual = [
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &bus,
        "--cluster-node-timeout",
        "1500",
        // A lost master takes its own slots along, not those of the others.
        "--cluster-require-full-coverage",
        "no",
    ];
    RedisServer::start_with(&[&usual[..], arguments].concat())
}
