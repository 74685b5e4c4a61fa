//! Trials out of what `libcmatrix` prints with `--format trials`: an object a line, one for each test. Pure.

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

/// Reads them.
///
/// # Errors
/// It is something else; in words.
pub(crate) fn read(text: &str) -> Result<Vec<Trial>, String> {
    let trials: Vec<Trial> = text.lines().map(one).collect::<Result<_, _>>()?;
    // Not even the verdict: something else printed this, and nothing may pass for it.
    if trials.is_empty() {
        return Err("libcmatrix printed no trial; is it older than this crate?".into());
    }
    Ok(trials)
}

fn one(line: &str) -> Result<Trial, String> {
    let unknown = || {
        format!(
            "libcmatrix printed what is no trial: {}",
            line.escape_debug().take(200).collect::<String>()
        )
    };
    let value: Value = serde_json::from_str(line).map_err(|_| unknown())?;
    let name = value["name"].as_str().ok_or_else(unknown)?;
    let failure = match (value["status"].as_str(), &value["text"]) {
        (Some("passed"), _) => None,
        (Some("failed"), Value::String(text)) => Some(text.clone()),
        _ => return Err(unknown()),
    };
    Ok(Trial::test(name, move || failure.map_or(Ok(()), |text| Err(Failed::from(text)))))
}

#[cfg(test)]
mod tests {
    use libtest_mimic::Arguments;

    use super::*;

    fn conclude(text: &str) -> (u64, u64) {
        let arguments = Arguments { quiet: true, ..Arguments::default() };
        let conclusion = libtest_mimic::run(&arguments, read(text).unwrap());
        (conclusion.num_passed, conclusion.num_failed)
    }

    #[test]
    fn they_pass_and_fail_as_they_are_told() {
        let text = "{\"name\":\"a$x\",\"status\":\"passed\"}\n\
                    {\"name\":\"a$y\",\"status\":\"failed\",\"text\":\"it crashed\"}\n";
        assert_eq!(conclude(text), (1, 1));
    }

    #[test]
    fn what_is_no_trial_never_passes() {
        for text in [
            "",
            "GO  project",
            "{}",
            "{\"name\":\"a$x\"}",
            "{\"name\":\"a$x\",\"status\":\"failed\"}",
            "{\"name\":\"a$x\",\"status\":\"unheard-of\"}",
            "{\"name\":\"a$x\",\"status\":\"passed\"}\n\u{1b}[31m",
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains("libcmatrix printed"), "{error}");
            assert!(!error.contains('\u{1b}'), "{error}");
        }
    }
}
