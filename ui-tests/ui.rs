//! What the compiler says to jobs: nothing to right ones, and to wrong ones what is wrong, where, and
//! what would be right.
//!
//! Run with `TRYBUILD=overwrite` to write the answers anew, and read each that changed.

#[test]
fn malformed_jobs_are_refused_readably_and_others_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("fail/*/*.rs");
}
