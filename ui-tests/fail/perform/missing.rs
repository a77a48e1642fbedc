use mosquito::job;

/// Greets somebody.
#[job(queue = "mail")]
pub struct Greet {
    pub name: String,
}

fn main() {}
