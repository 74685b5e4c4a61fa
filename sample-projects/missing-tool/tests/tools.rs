use std::process::Command;

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} fails: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn perl_adds() {
    assert_eq!(run("perl", &["-e", "print 40 + 2"]), "42");
}

#[test]
fn date_understands_words() {
    assert_eq!(
        run("date", &["-u", "-d", "2026-01-02 +3 days", "+%F"]),
        "2026-01-05\n"
    );
}

#[test]
fn date_understands_numbers() {
    assert_eq!(run("date", &["-u", "-d", "@86400", "+%F"]), "1970-01-02\n");
}

#[test]
fn find_prints_as_told() {
    assert_eq!(run("find", &["Cargo.toml", "-printf", "%f"]), "Cargo.toml");
}

#[test]
fn find_finds() {
    assert_eq!(run("find", &["Cargo.toml"]), "Cargo.toml\n");
}
