//! What a proxy was told to do with single commands and replies.

use std::collections::HashMap;

use super::resp;
use super::scripts::Script;

/// Commands, by what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All but those that a client introduces itself with, or asks how the server is.
    Any,
    /// Calls of one script.
    Calls(Script),
    /// Waits for a signal.
    Waits,
    /// Commands of this name.
    Named(&'static str),
}

/// How an answer gets lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The connection is closed in its place.
    Closed,
    /// A half of it arrives, and then the connection is closed.
    Cut,
    /// Nothing arrives, from now on, and the connection stays open.
    Silent,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) which: Which,
    pub(super) with: Vec<u8>,
    pub(super) times: usize,
}

#[derive(Debug)]
pub(super) struct Loss {
    pub(super) script: Script,
    /// Which answer from now on: the first is 1.
    pub(super) nth: usize,
    pub(super) how: Lost,
}

#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) answers: Vec<Answer>,
    pub(super) losses: Vec<Loss>,
    pub(super) cuts: Option<(u32, fastrand::Rng)>,
    pub(super) told: Told,
    hashes: HashMap<String, Script>,
}

/// What was done so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) answered: usize,
    pub(super) lost: usize,
    pub(super) calls: HashMap<Script, usize>,
}

/// What becomes of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Arrives,
    /// So many bytes of it arrive.
    Cut(usize),
    Silent,
}

impl Orders {
    pub(super) fn take_back(&mut self) {
        self.answers.clear();
        self.losses.clear();
        self.cuts = None;
    }

    /// The script that a command calls.
    pub(super) fn script(&mut self, command: &[u8]) -> Option<Script> {
        if self.hashes.is_empty() {
            let hashes = |script: &Script| {
                let script = *script;
                script.hashes().into_iter().map(move |hash| (hash, script))
            };
            self.hashes = Script::ALL.iter().flat_map(hashes).collect();
        }
        let words = resp::words(command);
        match words[..] {
            [name, hash, ..] if name.eq_ignore_ascii_case(b"EVALSHA") => {
                Some(self.hashes.get(std::str::from_utf8(hash).ok()?)?.told(&words))
            }
            _ => None,
        }
    }

    /// What to answer to a command in the server's place.
    pub(super) fn answer(&mut self, command: &[u8], script: Option<Script>) -> Option<Vec<u8>> {
        let meant = |which: Which| match which {
            Which::Any => !is_introduction(command),
            Which::Calls(wanted) => script == Some(wanted),
            Which::Waits => name_is(command, "BLPOP"),
            Which::Named(name) => name_is(command, name),
        };
        let answer = self.answers.iter_mut().find(|answer| answer.times > 0 && meant(answer.which))?;
        answer.times -= 1;
        self.told.answered += 1;
        Some(answer.with.clone())
    }

    /// What becomes of the server's reply to a call.
    pub(super) fn fate(&mut self, script: Option<Script>, reply: &[u8]) -> Fate {
        let answered = script.filter(|_| !reply.starts_with(b"-"));
        if let Some(script) = answered {
            *self.told.calls.entry(script).or_default() += 1;
        }
        if let Some(script) = answered.filter(|script| script.took_effect(reply)) {
            for loss in self.losses.iter_mut().filter(|loss| loss.script == script) {
                loss.nth = loss.nth.saturating_sub(1);
            }
            if let Some(at) = self.losses.iter().position(|loss| loss.script == script && loss.nth == 0) {
                self.told.lost += 1;
                return match self.losses.remove(at).how {
                    Lost::Closed => Fate::Cut(0),
                    Lost::Cut => Fate::Cut(reply.len() / 2),
                    Lost::Silent => Fate::Silent,
                };
            }
        }
        let Some((one_in, random)) = &mut self.cuts else { return Fate::Arrives };
        if random.u32(0..*one_in) > 0 {
            return Fate::Arrives;
        }
        self.told.lost += 1;
        Fate::Cut(random.usize(0..reply.len()))
    }
}

/// What a server answers whatever its state.
fn is_introduction(command: &[u8]) -> bool {
    ["AUTH", "HELLO", "CLIENT", "SELECT", "INFO", "PING", "SCRIPT"].iter().any(|name| name_is(command, name))
}

fn name_is(command: &[u8], name: &str) -> bool {
    resp::words(command).first().is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
}
