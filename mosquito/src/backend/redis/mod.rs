//! Redis.
pub const DEFAULT_PREFIX: &str = "mosquito";
