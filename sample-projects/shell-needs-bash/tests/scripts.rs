use std::process::Command;

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn runs_a_bash_script() {
    assert_eq!(
        output(&mut Command::new("./tests/scripts/words.bash")),
        "3 words, the last is three\n"
    );
}

#[test]
fn runs_a_bash_command() {
    assert_eq!(
        output(Command::new("bash").args(["-c", "[[ ab == a* ]] && echo ${BASH_VERSION:+bash}"])),
        "bash\n"
    );
}

#[test]
fn runs_a_script_for_any_shell() {
    assert_eq!(
        output(&mut Command::new("./tests/scripts/words.sh")),
        "3 words, the last is three\n"
    );
}
