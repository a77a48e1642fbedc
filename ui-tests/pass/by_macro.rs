//! A macro may write a whole job, its attribute included, from pieces of every kind.

#![deny(warnings)]

use mosquito::{Context, Job, JobError, JobResult, Perform, Rhythm, TickArgs, Upgrade, job};

macro_rules! define {
    (
        $(#[$meta:meta])*
        $visibility:vis $name:ident in $queue:literal every $every:expr, $version:literal, wait $wait:expr,
        up to $attempts:literal, in $state:ty, with $args:expr, $field:ident: $type:ty
    ) => {
        $(#[$meta])*
        #[job(
            queue = $queue,
            every = $every,
            version = $version,
            timeout = $wait,
            retry(attempts = $attempts, backoff = fixed($wait)),
            state($state),
            args = $args
        )]
        $visibility struct $name {
            #[job(redact)]
            $field: $type,
        }

        impl Perform for $name {
            async fn perform(&self, cx: &Context<Self>) -> JobResult {
                let _: &$state = cx.state::<$state>();
                println!("{:?}", self.$field);
                Ok(())
            }
        }

        impl Upgrade for $name {
            fn upgrade(_: u32, args: mosquito::serde_json::Value) -> Result<Self, JobError> {
                Ok(Self { $field: mosquito::serde_json::from_value(args)? })
            }
        }
    };
}

/// A list within a list, in which each attribute is written by a macro's repetition.
macro_rules! each {
    ($($name:ident $key:ident $value:tt)*) => {
        $(
            #[job($key = $value)]
            struct $name;

            impl Perform for $name {
                async fn perform(&self, _: &Context<Self>) -> JobResult {
                    Ok(())
                }
            }
        )*
    };
}

mod deep {
    pub(crate) struct State<T>(pub(crate) T);
}

fn number() -> u8 {
    7
}

define! {
    /// Documented.
    #[derive(Debug)]
    pub(crate) ByMacro in "made" every "5m", 2, wait "2s", up to 3, in deep::State<Vec<(u8, u8)>>,
    with ByMacro { id: vec![number()] }, id: Vec<u8>
}

each! { Queued queue "mail" Timed timeout "5s" Named name "called" }

fn main() {
    let spec = ByMacro::SPEC;
    assert_eq!((spec.name, spec.queue, spec.version, spec.retry.attempts), ("by_macro", "made", 2, 3));
    assert_eq!(spec.redacted, ["id"]);
    assert_eq!(spec.schedule.unwrap().rhythm, Rhythm::Every(std::time::Duration::from_secs(300)));
    assert_eq!(ByMacro::tick_args().id, [7]);
    assert_eq!((Queued::SPEC.queue, Named::SPEC.name), ("mail", "called"));
    assert!(Timed::SPEC.timeout.is_some());
    let _ = deep::State(1).0;
}
