//! Other derives stand above the attribute or below it, and see the same struct.

#![deny(warnings)]

use mosquito::{Context, JobResult, Perform, job};

#[derive(Clone, Debug, Default, PartialEq)]
#[job]
struct Above {
    #[job(redact)]
    name: String,
}

#[job]
#[derive(Clone, Debug, Default, PartialEq)]
struct Below {
    #[job(redact)]
    name: String,
}

#[derive(Clone)]
#[job]
#[derive(Debug)]
#[allow(clippy::all)]
#[derive(Default, PartialEq)]
struct Between {
    name: String,
}

macro_rules! performed {
    ($($job:ty)*) => {
        $(impl Perform for $job {
            async fn perform(&self, _: &Context<Self>) -> JobResult {
                println!("{}", self.name);
                Ok(())
            }
        })*
    };
}

performed!(Above Below Between);

fn main() {
    assert_eq!(Above::default().clone(), Above { name: String::new() });
    assert_eq!(Below::default().clone(), Below { name: String::new() });
    assert_eq!(Between::default().clone(), Between { name: String::new() });
    assert_eq!(format!("{:?} {:?}", Above::default(), Below::default()), r#"Above { name: "" } Below { name: "" }"#);
}
