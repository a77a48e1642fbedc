//! Which server of a cluster holds which slot.
//!
//! The map is asked for at the start, corrected by each server that says a slot has moved, and asked for again when a
//! server fails: a dead one tells nobody who took over. Only those whose server failed wait for that.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use ::redis::{FromRedisValue, RedisError, RedisResult, Value};
use tokio::sync::Mutex;

use super::DEADLINE;
use super::link::Link;
use super::location::{Location, Node};

/// How many slots a cluster has.
const SLOTS: u16 = 16_384;

/// How long one server may take to tell the map, before another one is asked.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a map counts as fresh: many calls that fail at once ask for it once.
const FRESH: Duration = Duration::from_millis(100);

pub(super) struct Cluster {
    location: Arc<Location>,
    seeds: Vec<Node>,
    map: RwLock<Map>,
    /// When the map was asked for last, by one caller at a time.
    asked: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Map {
    ranges: Vec<Range>,
    /// What single servers said since then.
    moved: HashMap<u16, Arc<Link>>,
    /// Every server that was ever heard of and is still there.
    links: HashMap<Node, Arc<Link>>,
}

/// Slots from the first to the last, and who holds them.
struct Range {
    first: u16,
    last: u16,
    link: Arc<Link>,
}

/// The slot of a key: that of its hash tag, if it has one.
pub(in crate::backend::redis) fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let hashed = tag.map_or(key, |(tag, _)| if tag.is_empty() { key } else { tag });
    crc16(hashed.as_bytes()) % SLOTS
}

/// CRC-16/XMODEM, as the specification of Redis Cluster says.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| match crc & 0x8000 {
            0 => crc << 1,
            _ => crc << 1 ^ 0x1021,
        })
    })
}

impl Cluster {
    pub(super) fn new(location: Arc<Location>, seeds: Vec<Node>) -> Self {
        Self { location, seeds, map: RwLock::default(), asked: Mutex::default() }
    }

    /// The server that holds a slot, as far as is known.
    pub(super) async fn link(&self, slot: u16) -> RedisResult<Arc<Link>> {
        match self.known(slot) {
            Some(link) if !link.was_suspected() => Ok(link),
            _ => {
                self.ask().await?;
                self.known(slot).ok_or_else(|| unavailable(format!("no server holds slot {slot} now")))
            }
        }
    }

    /// The server that is said to hold a slot from now on.
    pub(super) fn moved(&self, slot: u16, node: &Node) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let link = map.link(node, &self.location);
        map.moved.insert(slot, link);
    }

    /// A server, whatever it holds.
    pub(super) fn server(&self, node: &Node) -> Arc<Link> {
        self.map.write().unwrap_or_else(PoisonError::into_inner).link(node, &self.location)
    }

    fn known(&self, slot: u16) -> Option<Arc<Link>> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        let in_range = || {
            let at = map.ranges.partition_point(|range| range.last < slot);
            map.ranges.get(at).filter(|range| range.first <= slot).map(|range| &range.link)
        };
        map.moved.get(&slot).or_else(in_range).cloned()
    }

    /// Asks for the map: one server after the other, those that work first, until one tells it.
    pub(super) async fn ask(&self) -> RedisResult<()> {
        let all = async {
            let mut asked = self.asked.lock().await;
            if asked.is_some_and(|asked| asked.elapsed() < FRESH) {
                return Ok(());
            }
            let mut told = Vec::new();
            for link in self.candidates() {
                match tokio::time::timeout(PATIENCE, ranges_told_by(&link)).await {
                    Ok(Ok(ranges)) => {
                        self.learn(ranges);
                        *asked = Some(Instant::now());
                        return Ok(());
                    }
                    Ok(Err(error)) if super::errors::is_refusal(&error) => return Err(error),
                    Ok(Err(error)) => told.push(format!("{}: {error}", link.node())),
                    Err(_) => told.push(format!("{}: no answer within {PATIENCE:?}", link.node())),
                }
            }
            Err(unavailable(format!("no server tells the map of the cluster: {}", told.join("; "))))
        };
        let done = tokio::time::timeout(DEADLINE, all).await;
        done.unwrap_or_else(|_| {
            Err(unavailable(format!("the map of the cluster was not told within {DEADLINE:?}")))
        })
    }

    /// Whom to ask: in an order by chance, so that one that knows nothing new is not asked again and again.
    fn candidates(&self) -> Vec<Arc<Link>> {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let mut links: Vec<_> = map.links.values().cloned().collect();
        fastrand::shuffle(&mut links);
        for seed in &self.seeds {
            if !map.links.contains_key(seed) {
                links.push(map.link(seed, &self.location));
            }
        }
        links.sort_by_key(|link| link.is_suspected());
        links
    }

    fn learn(&self, ranges: Vec<(u16, u16, Node)>) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let mut ranges: Vec<_> = ranges
            .into_iter()
            .map(|(first, last, node)| Range { first, last, link: map.link(&node, &self.location) })
            .collect();
        ranges.sort_by_key(|range| range.first);
        map.links.retain(|node, _| ranges.iter().any(|range| range.link.node() == node));
        map.ranges = ranges;
        map.moved.clear();
    }
}

impl Map {
    fn link(&mut self, node: &Node, location: &Arc<Location>) -> Arc<Link> {
        let made = || Arc::new(Link::to(location.clone(), node.clone()));
        self.links.entry(node.clone()).or_insert_with(made).clone()
    }
}

async fn ranges_told_by(link: &Link) -> RedisResult<Vec<(u16, u16, Node)>> {
    let mut live = link.shared().await?;
    let asked = ::redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut live.connection).await;
    let answer: Vec<Vec<Value>> = asked.inspect_err(|_| link.failed(live.generation))?;
    answer.into_iter().filter_map(|range| read_range(range, link.node()).transpose()).collect()
}

/// Nothing for a range whose server is not known at that moment.
fn read_range(range: Vec<Value>, asked: &Node) -> RedisResult<Option<(u16, u16, Node)>> {
    let mut parts = range.into_iter();
    let mut next = || parts.next().unwrap_or(Value::Nil);
    let (first, last) = (u16::from_redis_value(next())?, u16::from_redis_value(next())?);
    let Value::Array(master) = next() else { return Ok(None) };
    let mut master = master.into_iter();
    let host: Option<String> = Option::from_redis_value(master.next().unwrap_or(Value::Nil))?;
    let port = u16::from_redis_value(master.next().unwrap_or(Value::Nil))?;
    Ok(match host.as_deref() {
        Some("?") => None,
        // It is where it was asked.
        None | Some("") => Some((first, last, Node { host: asked.host.clone(), port })),
        Some(host) => Some((first, last, Node { host: host.into(), port })),
    })
}

fn unavailable(why: String) -> RedisError {
    io::Error::new(io::ErrorKind::NotConnected, why).into()
}

#[cfg(test)]
mod tests {
    use super::{crc16, slot};

    #[test]
    fn a_slot_is_as_the_specification_says() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot("foo"), 12182);
        assert_eq!(slot("{user1000}.following"), slot("user1000"));
        assert_eq!(slot("mosquito:{mail}:waiting"), slot("mail"), "the queue's name alone tells it");
        assert_eq!(slot("foo{}{bar}"), crc16(b"foo{}{bar}") % 16_384, "an empty tag is none");
        assert_eq!(slot("foo{{bar}}zap"), slot("{bar"));
    }
}
