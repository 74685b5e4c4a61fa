// Calls the intrinsics that C code leaves to the compiler's run-time library, by way of probe-intrinsics.c.
unsafe extern "C" {
    fn call_intrinsics(n: u64) -> u64;
}

fn main() {
    let result = unsafe { call_intrinsics(0xf0f0) };
    assert_eq!(result, 8);
    println!("the intrinsics are right");
}
