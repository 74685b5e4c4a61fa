fn main() {
    println!("cargo:rerun-if-changed=c/child.c");
    cc::Build::new().file("c/child.c").compile("child");
}
