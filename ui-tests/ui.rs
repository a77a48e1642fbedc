//! What `#[job]` says to malformed definitions.
