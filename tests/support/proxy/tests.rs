use std::time::{Duration, Instant};

use redis::{Connection, RedisResult, Script as RedisScript};

use super::{Direction, Lost, Proxy, Script, Traffic, Which};
use crate::RedisServer;

/// How long nothing comes until that counts as silence.
const SILENCE: Duration = Duration::from_millis(300);

struct Case {
    server: RedisServer,
    proxy: Proxy,
}

impl Case {
    fn new() -> Self {
        let server = RedisServer::start();
        let proxy = Proxy::before(server.port());
        Self { server, proxy }
    }

    fn connect(&self) -> Connection {
        let client = redis::Client::open(self.proxy.url()).unwrap();
        client.get_connection_with_timeout(Duration::from_secs(20)).unwrap()
    }

    /// What goes on behind a call that is not answered takes its time.
    fn until(&self, what: impl Fn(&Self) -> bool) -> bool {
        let begin = Instant::now();
        while !what(self) && begin.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        what(self)
    }

    fn count(&self) -> u32 {
        self.server.command::<Option<u32>>(&["GET", "count"]).unwrap_or_default()
    }
}

fn increase(connection: &mut Connection) -> RedisResult<u32> {
    redis::cmd("INCR").arg("count").query(connection)
}

/// A call that takes effect on any server, by the hash of a script of mosquito's.
fn lead(connection: &mut Connection) -> RedisResult<u32> {
    let text = include_str!("../../../mosquito/src/backend/redis/scripts/lead.lua");
    RedisScript::new(text).key("leader").arg("one").arg(1_000).invoke(connection)
}

#[test]
fn what_passes_is_as_it_was() {
    let case = Case::new();
    let mut connection = case.connect();
    let large = "x\r\n$5\r\n".repeat(100_000);

    let mut pipe = redis::pipe();
    pipe.set("large", &large).ignore().get("large").get("missing").incr("count", 1);
    let (got, missing, count): (String, Option<String>, u32) = pipe.query(&mut connection).unwrap();

    assert!(got == large && missing.is_none() && count == 1, "in its order, byte by byte");
    assert_eq!(case.proxy.connections(), 1);
}

#[test]
fn requests_that_are_swallowed_have_no_effect_and_replies_that_are_do() {
    for (direction, effect) in [(Direction::ToServer, 0), (Direction::ToClient, 1)] {
        let case = Case::new();
        let mut connection = case.connect();
        connection.set_read_timeout(Some(SILENCE)).unwrap();

        case.proxy.traffic(direction, Traffic::Swallow);
        let silence = increase(&mut connection).unwrap_err();

        assert!(silence.is_timeout(), "{direction:?}: the connection stays open: {silence}");
        assert!(case.until(|case| case.count() == effect), "{direction:?}: {}", case.count());
        case.proxy.heal();
        assert_eq!(increase(&mut case.connect()).unwrap(), effect + 1, "a new connection carries again");
    }
}

#[test]
fn what_is_held_arrives_later_and_what_is_late_late() {
    let case = Case::new();
    let mut connection = case.connect();

    case.proxy.traffic(Direction::ToServer, Traffic::Hold);
    let waiting = std::thread::spawn(move || (increase(&mut connection), connection));
    std::thread::sleep(SILENCE);
    let held = case.count();
    case.proxy.heal();
    let (answer, mut connection) = waiting.join().unwrap();

    assert_eq!((held, answer.unwrap()), (0, 1));
    let begin = Instant::now();
    case.proxy.traffic(Direction::ToClient, Traffic::Delay(SILENCE));
    assert_eq!(increase(&mut connection).unwrap(), 2);
    assert!(begin.elapsed() >= SILENCE, "it took {:?}", begin.elapsed());
}

#[test]
fn it_answers_in_the_servers_place_in_the_right_order() {
    let case = Case::new();
    let mut connection = case.connect();
    let _first = lead(&mut connection).unwrap();

    case.proxy.answer(Which::Any, "-LOADING soon there", 1);
    case.proxy.answer(Which::Calls(Script::Lead), "-READONLY a replica", 1);
    let loading = increase(&mut connection).unwrap_err();
    let counted = increase(&mut connection).unwrap();
    let read_only = lead(&mut connection).unwrap_err();

    assert_eq!((loading.code(), counted, read_only.code()), (Some("LOADING"), 1, Some("READONLY")));
    assert_eq!(lead(&mut connection).unwrap(), 1, "then the server answers again");
    assert_eq!((case.proxy.answered(), case.proxy.calls(Script::Lead)), (2, 2));
}

#[test]
fn the_answer_of_a_call_that_took_effect_gets_lost() {
    for how in [Lost::Closed, Lost::Cut, Lost::Silent] {
        let case = Case::new();
        let mut connection = case.connect();

        case.proxy.lose(Script::Lead, 2, how);
        let first = lead(&mut connection);
        let effect = case.server.command::<Option<u64>>(&["DEL", "leader"]);
        if how == Lost::Silent {
            connection.set_read_timeout(Some(SILENCE)).unwrap();
        }
        let second = lead(&mut connection);

        assert_eq!((first.ok(), effect), (Some(1), Some(1)), "{how:?}: the first one is answered");
        let error = second.unwrap_err();
        assert_eq!(error.is_timeout(), how == Lost::Silent, "{how:?}: {error}");
        let took_effect = |case: &Case| case.server.command::<i64>(&["EXISTS", "leader"]) == 1;
        assert!(case.until(took_effect), "{how:?}: it took effect");
        assert!(case.until(|case| (case.proxy.lost(), case.proxy.calls(Script::Lead)) == (1, 2)), "{how:?}");
    }
}

#[test]
fn replies_are_cut_at_random_and_what_arrives_is_a_part_of_them() {
    let case = Case::new();
    case.proxy.cut_replies(3, fastrand::Rng::with_seed(1));

    let mut answered = 0;
    for _ in 0..60 {
        let client = redis::Client::open(case.proxy.url()).unwrap();
        let answer = client.get_connection().and_then(|mut connection| increase(&mut connection));
        answered += usize::from(answer.is_ok());
    }

    assert!((1..60).contains(&answered), "{answered}");
    assert!(case.proxy.lost() >= 60 - answered, "{} were cut", case.proxy.lost());
}

#[test]
fn connections_are_closed_and_refused() {
    let case = Case::new();
    let mut connection = case.connect();
    assert_eq!(increase(&mut connection).unwrap(), 1);

    assert_eq!(case.proxy.close_all(), 1);
    case.proxy.refuse();

    assert!(increase(&mut connection).is_err());
    let client = redis::Client::open(case.proxy.url()).unwrap();
    assert!(client.get_connection().and_then(|mut new| increase(&mut new)).is_err());
    case.proxy.heal();
    assert_eq!(increase(&mut case.connect()).unwrap(), 2);
}
