//! The scripts of mosquito, as a proxy sees them: by their hash.

/// A script, named for the move it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is what it is named for")]
pub enum Script {
    Enqueue,
    Claim,
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

    /// The name that `EVALSHA` calls it by.
    pub(super) fn hash(self) -> String {
        redis::Script::new(self.text()).get_hash().to_owned()
    }

    /// Whether a reply other than an error says that runs were moved, by a script that usually finds none.
    pub(super) fn took_effect(self, reply: &[u8]) -> bool {
        match self {
            // The lease and the time, and nothing after them.
            Self::Claim => !reply.starts_with(b"*2\r\n"),
            Self::Promote => !reply.starts_with(b"*2\r\n:0\r\n"),
            Self::Rescue => !reply.starts_with(b"*5\r\n:0\r\n*0\r\n*0\r\n"),
            _ => true,
        }
    }

    fn text(self) -> &'static str {
        macro_rules! text {
            ($name:literal) => {
                include_str!(concat!("../../../mosquito/src/backend/redis/scripts/", $name, ".lua"))
            };
        }
        match self {
            Self::Enqueue => text!("enqueue"),
            Self::Claim => text!("claim"),
            Self::Settle => text!("settle"),
            Self::Promote => text!("promote"),
            Self::LastTick => text!("last_tick"),
            Self::Tick => text!("tick"),
            Self::Rescue => text!("rescue"),
            Self::Beat => text!("beat"),
            Self::Lead => text!("lead"),
        }
    }
}
