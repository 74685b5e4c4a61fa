//! A benchmark with a main of its own. Without `--bench` it only makes sure that it works.

use std::time::Instant;

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--bench") {
        10_000_000
    } else {
        1
    };
    let start = Instant::now();
    for _ in 0..rounds {
        assert_eq!(std::hint::black_box(workspace::square(3)), 9);
    }
    println!("{rounds} rounds in {:?}", start.elapsed());
}
