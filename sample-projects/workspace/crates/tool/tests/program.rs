use std::process::Command;

#[test]
fn prints_the_name() {
    let output = Command::new(env!("CARGO_BIN_EXE_workspace-tool"))
        .arg("Ada")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim_end(),
        "hello, Ada"
    );
}
