use mosquito::job;

#[job]
trait Greet {
    fn greet(&self);
}

#[job]
mod jobs {
    pub struct Greet;
}

#[job]
impl jobs::Greet {}

#[job]
type Alias = jobs::Greet;

#[job]
const GREET: Alias = jobs::Greet;

fn main() {
    let _ = GREET;
}
