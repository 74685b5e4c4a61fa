use libtest_mimic::{Arguments, Failed, Trial};

fn check(number: u32) -> Result<(), Failed> {
    if number % 2 == 0 {
        Ok(())
    } else {
        Err(format!("{number} is odd").into())
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("even::two", || check(2)),
        Trial::test("even::four", || check(4)),
        Trial::test("even::five", || check(5)),
        Trial::test("even::seven", || check(7)).with_ignored_flag(true),
        Trial::test("even::tagged", || check(8)).with_kind("slow"),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}
