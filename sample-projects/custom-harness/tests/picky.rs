fn main() {
    if let Some(argument) = std::env::args().nth(1) {
        eprintln!("I do not know {argument}");
        std::process::exit(64);
    }
    println!("nothing asked, nothing amiss");
}
