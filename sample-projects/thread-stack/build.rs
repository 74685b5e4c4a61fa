fn main() {
    println!("cargo:rerun-if-changed=c/thread.c");
    cc::Build::new().file("c/thread.c").compile("thread");
}
