use mosquito::{Context, job};

#[job]
async fn greet(name: String, times: u8) {
    println!("{name} {times}");
}

fn main() {
    drop(greet(String::new(), 1));
    let _: Option<Context<()>> = None;
}
