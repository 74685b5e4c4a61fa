// What a test binary needs of std: threads, unwinding, backtraces, processes, files, the network's loop-back.
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let caught = std::panic::catch_unwind(|| {
        let guard = vec![1u8; 10];
        assert!(guard.is_empty(), "on purpose");
    });
    assert!(caught.is_err(), "a panic was not caught");
    let joined = std::thread::spawn(|| panic!("in a thread")).join();
    assert!(joined.is_err(), "a panic in a thread was not seen");

    let trace = std::backtrace::Backtrace::force_capture().to_string();
    assert!(trace.contains("main"), "a backtrace without main: {trace}");

    let sum: u64 = (0..8u64)
        .map(|n| std::thread::spawn(move || n))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum();
    assert_eq!(sum, 28);

    let output = Command::new("/bin/sh").args(["-c", "echo out; exit 3"]).stderr(Stdio::null()).output().unwrap();
    assert_eq!(output.stdout, b"out\n");
    assert_eq!(output.status.code(), Some(3));

    let listener = TcpListener::bind("127.0.0.1:0");
    if let Ok(listener) = listener {
        let address = listener.local_addr().unwrap();
        let client = std::thread::spawn(move || TcpStream::connect(address).unwrap().write_all(b"hi").unwrap());
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        client.join().unwrap();
        assert_eq!(text, "hi");
    }
    let map: HashMap<u32, u128> = (1..100).map(|n| (n, u128::from(n) * 3 / 7 % 11)).collect();
    assert_eq!(map[&7], 3);
    println!("std works: {}", (map.len() as f64).sqrt().sin().mul_add(2.0, 1.0) > -2.0);
}
