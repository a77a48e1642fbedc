//! A job is as visible as it says, wherever it stands.

#![deny(warnings, unreachable_pub)]

mod jobs {
    pub(crate) mod mail {
        use mosquito::{Context, JobResult, Perform, job};

        const REGION: &str = "eu";

        #[job(every = "1h", state(super::State), args = Self::new(REGION))]
        pub(crate) struct Visible {
            pub(crate) region: String,
            pub(super) shared: u8,
            secret: u8,
        }

        impl Visible {
            fn new(region: &str) -> Self {
                Self { region: region.into(), shared: 1, secret: super::secret() }
            }
        }

        impl Perform for Visible {
            async fn perform(&self, cx: &Context<Self>) -> JobResult {
                let super::State = cx.state();
                println!("{} {} {}", self.region, self.shared, self.secret);
                Ok(())
            }
        }
    }

    pub(crate) struct State;

    fn secret() -> u8 {
        7
    }

    pub(crate) fn shared(job: &mail::Visible) -> u8 {
        job.shared
    }
}

use mosquito::TickArgs;

fn main() {
    let job = jobs::mail::Visible::tick_args();
    assert_eq!((job.region.as_str(), jobs::shared(&job)), ("eu", 1));
    let _ = jobs::State;
}
