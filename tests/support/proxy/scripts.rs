//! The scripts of mosquito, as a proxy sees them: by their hash.

/// A script, named for the move it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is what it is named for")]
pub enum Script {
    Enqueue,
    /// And what it settles in the same move.
    Claim,
    /// A settlement alone.
    Settle,
    Promote,
    LastTick,
    Tick,
    Rescue,
    Beat,
    Lead,
}

impl Script {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Enqueue,
        Self::Claim,
        Self::Settle,
        Self::Promote,
        Self::LastTick,
        Self::Tick,
        Self::Rescue,
        Self::Beat,
        Self::Lead,
    ];

    /// The names that `EVALSHA` calls it by: alone, and behind what it needs for runs with a flow.
    pub(super) fn hashes(self) -> Vec<String> {
        self.texts().iter().map(|text| redis::Script::new(text).get_hash().to_owned()).collect()
    }

    /// Which of those that one script makes a call is, by its words.
    pub(super) fn told(self, words: &[&[u8]]) -> Self {
        let keys = words.get(2).and_then(|keys| std::str::from_utf8(keys).ok()?.parse::<usize>().ok());
        match (self, keys) {
            // The second argument is the ticket.
            (Self::Claim, Some(keys)) if words.get(keys + 4).is_some_and(|ticket| ticket.is_empty()) => {
                Self::Settle
            }
            _ => self,
        }
    }

    /// Whether a reply other than an error says that runs were moved, by a script that usually finds none.
    pub(super) fn took_effect(self, reply: &[u8]) -> bool {
        // It asks to be called with the keys of flows.
        if reply == b"$5\r\nflows\r\n" {
            return false;
        }
        match self {
            // Nothing settled, the lease and the time, and nothing after them.
            Self::Claim => !reply.starts_with(b"*3\r\n:0\r\n"),
            Self::Promote => !reply.starts_with(b"*3\r\n:0\r\n"),
            Self::Rescue => !reply.starts_with(b"*5\r\n:0\r\n*0\r\n*0\r\n"),
            _ => true,
        }
    }

    fn texts(self) -> &'static [&'static str] {
        macro_rules! text {
            ($($name:literal),+) => {
                concat!($(include_str!(concat!("../../../mosquito/src/backend/redis/scripts/", $name, ".lua"))),+)
            };
        }
        match self {
            Self::Enqueue => &[text!("enqueue"), text!("flow", "enqueue")],
            Self::Claim => {
                &[text!("settle", "claim", "exchange"), text!("flow", "pick", "settle", "claim", "exchange")]
            }
            // Told from a claim by its arguments.
            Self::Settle => &[],
            Self::Promote => &[text!("flow", "promote")],
            Self::LastTick => &[text!("last_tick")],
            Self::Tick => &[text!("flow", "tick")],
            Self::Rescue => &[text!("flow", "rescue")],
            Self::Beat => &[text!("beat")],
            Self::Lead => &[text!("lead")],
        }
    }
}
