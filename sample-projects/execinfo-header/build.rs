fn main() {
    println!("cargo:rerun-if-changed=c/frames.c");
    cc::Build::new().file("c/frames.c").compile("frames");
}
