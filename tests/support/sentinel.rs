//! A master, its replicas, and the sentinels that watch over them: real processes, which end with the test.

use std::time::Duration;

use crate::{RedisServer, eventually};

/// What the sentinels call the master.
const SERVICE: &str = "jobs";

/// Long enough for an election among processes that get little of a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// One master and two replicas, watched by three sentinels.
#[derive(Debug)]
pub struct Sentinels {
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
}

impl Sentinels {
    /// Starts all six, and returns when each knows of the others.
    ///
    /// # Panics
    ///
    /// When they do not come up.
    pub async fn start() -> Self {
        let mut servers = vec![RedisServer::start()];
        let master = servers[0].port().to_string();
        servers.extend((0..2).map(|_| RedisServer::start_with(&["--replicaof", "127.0.0.1", &master])));
        // A failover within a second or two of a failure. The timeout is how soon another may follow.
        let watch = format!(
            "sentinel monitor {SERVICE} 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds {SERVICE} 1000\n\
             sentinel failover-timeout {SERVICE} 5000\n\
             sentinel parallel-syncs {SERVICE} 2\n"
        );
        let sentinels = (0..3).map(|_| RedisServer::start_from(&watch, &["--sentinel"])).collect();
        let all = Self { servers, sentinels };
        all.know_each_other().await;
        all
    }

    async fn know_each_other(&self) {
        eventually("the sentinels know each other and both replicas", PATIENCE, || async {
            let views: Vec<_> = self.sentinels.iter().map(view).collect();
            let complete =
                |view: &String| view.contains("status=ok") && view.contains("slaves=2,sentinels=3");
            if views.iter().all(complete) { Ok(()) } else { Err(views) }
        })
        .await;
        eventually("both replicas have what the master has", PATIENCE, || async {
            let replication: String = self.servers[0].command(&["INFO", "replication"]);
            if replication.matches("state=online").count() == 2 { Ok(()) } else { Err(replication) }
        })
        .await;
    }

    /// What a client connects to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+sentinel://{}/{SERVICE}", self.addresses())
    }

    /// The hosts and ports of the sentinels, as a URL lists them.
    #[must_use]
    pub fn addresses(&self) -> String {
        let addresses: Vec<_> =
            self.sentinels.iter().map(|one| format!("127.0.0.1:{}", one.port())).collect();
        addresses.join(",")
    }

    /// The server that the sentinels call the master, by its place in [`server`](Self::server).
    #[must_use]
    pub fn master(&self) -> usize {
        let named: Vec<(String, u16)> = self.sentinels.iter().map(named).collect();
        // The majority: one of them may not have heard yet.
        let votes = |server: &RedisServer| named.iter().filter(|(_, port)| *port == server.port()).count();
        let (place, _) = self
            .servers
            .iter()
            .enumerate()
            .max_by_key(|(_, server)| votes(server))
            .expect("there are servers");
        place
    }

    /// One of the three servers.
    #[must_use]
    pub fn server(&self, place: usize) -> &RedisServer {
        &self.servers[place]
    }

    /// One of the three servers, to be ended or started.
    pub fn server_mut(&mut self, place: usize) -> &mut RedisServer {
        &mut self.servers[place]
    }

    /// One of the three sentinels.
    #[must_use]
    pub fn sentinel(&self, place: usize) -> &RedisServer {
        &self.sentinels[place]
    }

    /// One of the three sentinels, to be ended or started.
    pub fn sentinel_mut(&mut self, place: usize) -> &mut RedisServer {
        &mut self.sentinels[place]
    }

    /// Has the servers ask for one password and the sentinels for another, from now on.
    pub fn protect(&self, servers: &str, sentinels: &str) {
        let tell = |server: &RedisServer, words: &[&str]| {
            let _: String = server.command(words);
        };
        for sentinel in &self.sentinels {
            tell(sentinel, &["SENTINEL", "SET", SERVICE, "auth-pass", servers]);
            tell(sentinel, &["SENTINEL", "CONFIG", "SET", "sentinel-pass", sentinels]);
        }
        for server in &self.servers {
            tell(server, &["CONFIG", "SET", "masterauth", servers]);
            tell(server, &["CONFIG", "SET", "requirepass", servers]);
        }
        for sentinel in &self.sentinels {
            tell(sentinel, &["ACL", "SETUSER", "default", "resetpass", &format!(">{sentinels}")]);
        }
    }

    /// Has the sentinels make another server the master, though nothing is wrong with this one.
    pub fn fail_over(&self) {
        let _: String = self.sentinels[0].command(&["SENTINEL", "FAILOVER", SERVICE]);
    }

    /// Has the sentinels leave the master in peace from now on: on a busy machine one that is silent for a second may be well.
    pub fn be_patient(&self) {
        for sentinel in &self.sentinels {
            let _: String =
                sentinel.command(&["SENTINEL", "SET", SERVICE, "down-after-milliseconds", "300000"]);
        }
    }

    /// Waits until another server is the master than the one in this place, and answers in which place it is.
    ///
    /// # Panics
    ///
    /// When that does not happen.
    pub async fn failed_over(&self, from: usize) -> usize {
        eventually("another server is the master", PATIENCE, || async {
            let master = self.master();
            if master == from {
                return Err(self.sentinels.iter().map(view).collect::<Vec<_>>());
            }
            let role: String = self.servers[master].command(&["INFO", "replication"]);
            if role.contains("role:master") { Ok(master) } else { Err(vec![role]) }
        })
        .await
    }
}

fn view(sentinel: &RedisServer) -> String {
    let info: String = sentinel.command(&["INFO", "sentinel"]);
    info.lines().filter(|line| line.starts_with("master0")).collect()
}

fn named(sentinel: &RedisServer) -> (String, u16) {
    sentinel.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE])
}
