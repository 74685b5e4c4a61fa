// Runs the C thread of probe-stack.c: musl's default stack is too small for it, glibc's is not.
unsafe extern "C" {
    fn touch_stack_in_thread() -> i32;
}

fn main() {
    let touched = unsafe { touch_stack_in_thread() };
    assert_eq!(touched, 512 * 1024);
    println!("a thread of C touched {touched} bytes of its stack");
}
