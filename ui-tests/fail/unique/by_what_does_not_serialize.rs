use mosquito::serde::{Deserialize, Deserializer, Serialize, Serializer};
use mosquito::{Context, JobResult, Perform, job};

struct Place(f64, f64);

mod place {
    use super::*;

    pub fn serialize<S: Serializer>(place: &Place, to: S) -> Result<S::Ok, S::Error> {
        (place.0, place.1).serialize(to)
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Place, D::Error> {
        Deserialize::deserialize(from).map(|(x, y)| Place(x, y))
    }
}

#[job(unique(by = [place]))]
struct Visit {
    #[serde(with = "place")]
    place: Place,
}

impl Perform for Visit {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{}", self.place.0 + self.place.1);
        Ok(())
    }
}

fn main() {}
