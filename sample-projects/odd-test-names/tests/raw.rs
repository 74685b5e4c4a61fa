//! A harness that knows as much of libtest's command line as is needed to list tests and to run one,
//! and prints names as they are.

use std::process::exit;

const PASSING: &[&str] = &[
    "\u{1b}[31mred\u{1b}[0m and \u{1b}]0;a new title\u{7}",
    "\u{1b}[2Jcleared",
    "C1 \u{9b}31m and DEL \u{7f}",
    "back\u{8}\u{8}\u{8}\u{8}space",
];
const FAILING: &str = "\u{1b}[1mfails loudly\u{1b}[0m";

fn main() {
    let mut list = false;
    let mut ignored = false;
    let mut exact = false;
    let mut names = Vec::new();

    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--list" => list = true,
            "--ignored" => ignored = true,
            "--exact" => exact = true,
            "--format" | "--color" | "--test-threads" | "-Z" => drop(arguments.next()),
            "--" => names.extend(arguments.by_ref()),
            option if option.starts_with('-') => {}
            _ => names.push(argument),
        }
    }

    if list {
        if !ignored {
            for name in PASSING.iter().chain([&FAILING]) {
                println!("{name}: test");
            }
        }
        return;
    }
    match names.as_slice() {
        [name] if exact && PASSING.contains(&name.as_str()) => println!("test {name} ... ok"),
        [name] if exact && name == FAILING => {
            println!("test {name} ... FAILED");
            println!("a failure with an odd name");
            exit(101);
        }
        _ => {
            println!("--exact and the name of one test are needed, not {names:?}");
            exit(102);
        }
    }
}
