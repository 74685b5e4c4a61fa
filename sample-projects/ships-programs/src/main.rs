//! The program that the package is for.

fn main() {
    println!("{}", ships_programs::greeting("world"));
}
