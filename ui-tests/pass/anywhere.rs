//! A job may be defined in a function, in a module, and by a macro.

#![deny(warnings)]

use mosquito::{Context, Job, JobResult, Perform, job};

macro_rules! define {
    ($job:ident, $queue:literal, $wait:expr, $state:ty, $($field:ident: $type:ty),*) => {
        #[job(queue = $queue, retry(attempts = 2, backoff = fixed("2s")), state($state))]
        struct $job {
            $($field: $type),*
        }

        impl Perform for $job {
            async fn perform(&self, _: &Context<Self>) -> JobResult {
                println!("{:?} {}", ($(&self.$field,)*), $wait);
                Ok(())
            }
        }
    };
}

define!(ByMacro, "made", 5, Vec<u8>, id: u64, name: String);

mod inner {
    pub(crate) struct State;

    #[mosquito::job(state(State, super::Outer))]
    pub(super) struct InModule(pub(super) u8);

    impl mosquito::Perform for InModule {
        async fn perform(&self, cx: &mosquito::Context<Self>) -> mosquito::JobResult {
            let (State, super::Outer) = (cx.state(), cx.state());
            Ok(())
        }
    }
}

struct Outer;

fn main() {
    struct Local;

    #[job(state(Local))]
    struct InFunction {
        id: u64,
    }

    impl Perform for InFunction {
        async fn perform(&self, cx: &Context<Self>) -> JobResult {
            let Local = cx.state::<Local>();
            println!("{}", self.id);
            Ok(())
        }
    }

    assert_eq!((ByMacro::SPEC.name, ByMacro::SPEC.queue), ("by_macro", "made"));
    assert_eq!(InFunction::SPEC.name, "in_function");
    println!("{}", inner::InModule(1).0);
}
