//! The contract suite.
fn main() {}
