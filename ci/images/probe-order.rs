// A program whose C code is in a crate that depends on neither std nor libc, as an allocator's crate is.
#[global_allocator]
static ALLOCATOR: order_alloc::Allocator = order_alloc::Allocator;

fn main() {
    let many: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    println!("{} strings by an allocator written in C", many.len());
}
