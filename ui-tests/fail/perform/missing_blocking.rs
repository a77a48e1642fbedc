use mosquito::job;

#[job(blocking)]
struct Greet;

fn main() {}
