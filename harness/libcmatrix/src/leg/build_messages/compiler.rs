//! rustc's diagnostics as [`BuildMessage`]s. Pure.

use cargo_metadata::{
    CompilerMessage,
    diagnostic::{Diagnostic, DiagnosticLevel},
};
use libcmatrix_schema::BuildMessage;

/// The error that a message of cargo's brings; `None` if it brings none.
pub(super) fn error(message: &CompilerMessage) -> Option<BuildMessage> {
    let diagnostic = &message.message;
    let is_error = matches!(diagnostic.level, DiagnosticLevel::Error | DiagnosticLevel::Ice);
    // A sum of the errors before it.
    if !is_error || diagnostic.message.starts_with("aborting due to ") {
        return None;
    }
    let is_linker = diagnostic.message.starts_with("linking with `")
        || diagnostic.message.starts_with("linker `");
    let place = diagnostic.spans.iter().find(|s| s.is_primary);
    Some(BuildMessage {
        source: if is_linker { "linker" } else { "rustc" }.into(),
        level: "error".into(),
        package: Some(package(&message.package_id.repr)),
        code: diagnostic.code.as_ref().map(|code| code.code.clone()),
        file: place.map(|p| p.file_name.clone()),
        line: place.and_then(|p| u32::try_from(p.line_start).ok()),
        text: match is_linker {
            true => linker_text(diagnostic),
            false => diagnostic.rendered.clone().unwrap_or_else(|| diagnostic.message.clone()),
        },
    })
}

/// What the linker said, whole, without the command that started it and without rustc's advice.
fn linker_text(diagnostic: &Diagnostic) -> String {
    let is_noise = |text: &str| {
        ["\"", "LC_ALL=", "env ", "cd \""].iter().any(|start| text.starts_with(start))
            || [
                "some arguments are omitted",
                "some `extern` functions",
                "use the `-l` flag",
                "use the `cargo:",
            ]
            .iter()
            .any(|start| text.starts_with(start))
    };
    let notes = diagnostic.children.iter().map(|child| child.message.trim());
    let told = notes.filter(|text| !text.is_empty() && !is_noise(text));
    std::iter::once(diagnostic.message.trim()).chain(told).collect::<Vec<_>>().join("\n")
}

/// `name@version` out of a package id.
fn package(id: &str) -> String {
    let (location, fragment) = id.rsplit_once('#').unwrap_or(("", id));
    match location.rsplit('/').next() {
        // The folder's name is the package's.
        Some(name) if !fragment.contains('@') && !name.is_empty() => format!("{name}@{fragment}"),
        _ => fragment.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: &str, text: &str, extra: &str) -> Option<BuildMessage> {
        let json = format!(
            r#"{{"package_id":"path+file:///work/src#a@0.1.0","manifest_path":"/work/src/Cargo.toml",
            "target":{{"kind":["lib"],"crate_types":["lib"],"name":"a","src_path":"/work/src/src/lib.rs","edition":"2021","doc":true,"doctest":true,"test":true}},
            "message":{{"level":"{level}","message":"{text}",{extra}}}}}"#
        );
        error(&serde_json::from_str(&json).expect("a message of cargo's"))
    }

    #[test]
    fn an_error_of_rustc_has_its_code_and_its_place() {
        let span = r#"{"file_name":"src/lib.rs","byte_start":1,"byte_end":2,"line_start":7,"line_end":7,
            "column_start":1,"column_end":2,"is_primary":true,"text":[],"label":null,
            "suggested_replacement":null,"suggestion_applicability":null,"expansion":null}"#;
        let rendered = r"error[E0425]: cannot find value `x` in this scope\n --> src/lib.rs:7:1\n";
        let extra = format!(
            r#""code":{{"code":"E0425","explanation":null}},"spans":[{span}],"children":[],"rendered":"{rendered}""#
        );
        let error =
            message("error", "cannot find value `x` in this scope", &extra).expect("an error");
        assert_eq!(error.source, "rustc");
        assert_eq!(error.package.as_deref(), Some("a@0.1.0"));
        assert_eq!(error.code.as_deref(), Some("E0425"));
        assert_eq!((error.file.as_deref(), error.line), (Some("src/lib.rs"), Some(7)));
        assert!(error.text.starts_with("error[E0425]"), "{}", error.text);
    }

    #[test]
    fn a_linker_is_heard_without_its_command_line() {
        let note = |text: &str| {
            let text = serde_json::to_string(text).expect("a text");
            format!(
                r#"{{"message":{text},"code":null,"level":"note","spans":[],"children":[],"rendered":null}}"#
            )
        };
        let said = "/usr/bin/ld: a.o: in function `a::main':\na.rs:3: undefined reference to `gnu_get_libc_version'\ncollect2: error: ld returned 1 exit status\n";
        let notes = [
            " \"/usr/bin/musl-gcc\" \"-m64\" \"a.o\" \"-lc\"",
            "some arguments are omitted. use `--verbose` to show all linker arguments",
            said,
            "some `extern` functions couldn't be found; some native libraries may need to be installed",
            "use the `-l` flag to specify native libraries to link",
        ];
        let extra = format!(
            r#""code":null,"spans":[],"children":[{}],"rendered":"all of it""#,
            notes.map(note).join(",")
        );
        let error = message("error", "linking with `musl-gcc` failed: exit status: 1", &extra)
            .expect("an error");
        assert_eq!(error.source, "linker");
        assert_eq!(
            error.text,
            format!("linking with `musl-gcc` failed: exit status: 1\n{}", said.trim())
        );
        let older = r#"LC_ALL=\"C\" PATH=\"/bin\" \"cc\" \"-m64\""#;
        let extra = format!(
            r#""code":null,"spans":[],"children":[{{"message":"{older}","code":null,"level":"note","spans":[],"children":[],"rendered":null}}],"rendered":null"#
        );
        let error =
            message("error", "linking with `cc` failed: exit status: 1", &extra).expect("an error");
        assert_eq!(error.text, "linking with `cc` failed: exit status: 1");
        let extra = r#""code":null,"spans":[],"children":[],"rendered":null"#;
        assert_eq!(
            message("error", "linker `cc` not found", extra).expect("an error").source,
            "linker"
        );
    }

    #[test]
    fn warnings_and_sums_are_no_errors() {
        let extra = r#""code":null,"spans":[],"children":[],"rendered":null"#;
        assert_eq!(message("warning", "unused variable", extra), None);
        assert_eq!(message("error", "aborting due to 2 previous errors", extra), None);
    }

    #[test]
    fn package_ids_have_three_shapes() {
        assert_eq!(package("path+file:///work/src#a-b@0.1.0"), "a-b@0.1.0");
        assert_eq!(package("path+file:///work/src/inner#0.1.0"), "inner@0.1.0");
        let registry = "registry+https://github.com/rust-lang/crates.io-index#libc@0.2.1";
        assert_eq!(package(registry), "libc@0.2.1");
        assert_eq!(package("odd"), "odd");
    }
}
