fn main() {
    println!("cargo:rerun-if-changed=c/heap.c");
    cc::Build::new().file("c/heap.c").compile("heap");
}
