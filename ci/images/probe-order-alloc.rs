// The crate of probe-order.rs: no std, no libc, C code that calls libc.
#![no_std]
use core::alloc::{GlobalAlloc, Layout};

unsafe extern "C" {
    fn order_allocate(size: usize, align: usize) -> *mut u8;
    fn order_free(pointer: *mut u8);
}

pub struct Allocator;

unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { order_allocate(layout.size(), layout.align()) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
        unsafe { order_free(pointer) }
    }
}
