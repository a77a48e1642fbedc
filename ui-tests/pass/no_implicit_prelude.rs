//! A crate may do without the prelude.

#![no_implicit_prelude]

#[::mosquito::job]
struct Plain {
    id: u64,
}

impl ::mosquito::Perform for Plain {
    async fn perform(&self, _: &::mosquito::Context<Self>) -> ::mosquito::JobResult {
        ::std::println!("{}", self.id);
        ::std::result::Result::Ok(())
    }
}

#[::mosquito::job(
    name = "everything",
    aliases("all"),
    version = 2,
    queue = "mail",
    retry(attempts = 3, backoff = exponential("1s", max = "1m"), jitter = 0.1),
    timeout = "30s",
    cron = "0 6 * * *",
    timezone = "Europe/Berlin",
    missed = "all",
    overlap = "allow",
    unique(by = [name], until = "start", on_conflict = "reject"),
    rate_limit(limit = 10, per = "1s", by = [name], kind = "fixed", weight = self.name.len()),
    concurrency(limit = 3),
    fair(by = [name]),
    priority = 3,
    expires = "1h",
    args = Self { name: ::std::string::ToString::to_string("you") },
    state(::std::string::String)
)]
struct Everything {
    #[job(redact)]
    name: ::std::string::String,
}

impl ::mosquito::Upgrade for Everything {
    fn upgrade(
        _: u32,
        args: ::mosquito::serde_json::Value,
    ) -> ::std::result::Result<Self, ::mosquito::JobError> {
        ::std::result::Result::Ok(Self { name: ::std::string::ToString::to_string(&args) })
    }
}

impl ::mosquito::Perform for Everything {
    async fn perform(&self, cx: &::mosquito::Context<Self>) -> ::mosquito::JobResult {
        ::std::println!("{} {}", self.name, cx.state::<::std::string::String>());
        ::std::result::Result::Ok(())
    }
}

#[::mosquito::job(every = "1m", blocking)]
struct Empty {}

impl ::mosquito::PerformBlocking for Empty {
    fn perform(&self, _: &::mosquito::Context<Self>) -> ::mosquito::JobResult {
        ::std::result::Result::Ok(())
    }
}

fn main() {}
