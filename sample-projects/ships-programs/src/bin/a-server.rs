//! One that goes on until it is stopped, and comes first by the alphabet.

fn main() {
    loop {
        std::thread::park();
    }
}
