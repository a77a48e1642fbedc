//! A job may be defined where it is enqueued: in a function, and in a block of one.

#![deny(warnings)]

use mosquito::{Context, Job, JobResult, Perform, job};

fn enqueued() -> (&'static str, Vec<u8>) {
    struct Local;

    fn local() -> u8 {
        7
    }

    let spec = {
        #[job(state(Local), every = "1h", args = Self(vec![local()]))]
        struct InFunction(Vec<u8>);

        impl Perform for InFunction {
            async fn perform(&self, cx: &Context<Self>) -> JobResult {
                let Local = cx.state::<Local>();
                println!("{:?}", self.0);
                Ok(())
            }
        }

        (InFunction::SPEC.name, <InFunction as mosquito::TickArgs>::tick_args().0)
    };
    let _ = Local;
    spec
}

fn main() {
    assert_eq!(enqueued(), ("in_function", vec![7]));
}
