//! What is in scope may be called as what is generated, or as what that needs.

#![allow(dead_code, non_camel_case_types)]

mod mosquito {}
mod serde {}
mod serde_json {}
mod inventory {}
mod std {}
mod core {}
mod alloc {}

struct Result;
struct Option;
struct Some;
struct None;
struct Ok;
struct Err;
struct Vec;
struct String;
struct Box;
struct Duration;
struct Job;
struct JobSpec;
struct Registration;
struct Retry;
struct TickArgs;
struct Value;
struct u32;
trait Default {}
trait Send {}
trait Sync {}
trait Clone {}
trait From {}
trait Serialize {}
trait Deserialize {}
trait Perform {}

fn tick_args() -> u64 {
    7
}

#[::mosquito::job(
    every = "1h",
    timeout = "1m",
    retry(attempts = 2),
    state(Result, Option, Registration),
    args = Self::tick_args()
)]
struct Greet {
    id: u64,
    #[job(redact)]
    code: u8,
}

impl Greet {
    fn tick_args() -> Self {
        Self { id: tick_args(), code: Self::SPEC }
    }

    const SPEC: u8 = 1;
}

impl ::mosquito::Perform for Greet {
    async fn perform(&self, cx: &::mosquito::Context<Self>) -> ::mosquito::JobResult {
        let (_, _) = (cx.state::<Result>(), cx.state::<Option>());
        ::std::println!("{} {}", self.id, self.code);
        ::std::result::Result::Ok(())
    }
}

fn main() {
    ::std::assert_eq!(<Greet as ::mosquito::TickArgs>::tick_args().id, 7);
}
