//! Trials out of what `libcmatrix` prints with `--format trials`: an object a line, one for each test. Pure.

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

/// What is known of a trial before it is run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    name: String,
    /// Why it fails, if it does.
    failure: Option<String>,
}

impl From<Told> for Trial {
    fn from(Told { name, failure }: Told) -> Self {
        Self::test(name, move || failure.map_or(Ok(()), |text| Err(Failed::from(text))))
    }
}

/// Reads them.
///
/// # Errors
/// It is something else; in words.
pub(crate) fn read(text: &str) -> Result<Vec<Told>, String> {
    let trials: Vec<Told> = text.lines().map(one).collect::<Result<_, _>>()?;
    // Not even the verdict: something else printed this, and nothing may pass for it.
    if trials.is_empty() {
        return Err("libcmatrix printed no trial; is it older than this crate?".into());
    }
    Ok(trials)
}

fn one(line: &str) -> Result<Told, String> {
    let unknown = || {
        let shown: String = line.escape_debug().take(200).collect();
        format!("libcmatrix printed what is no trial: {shown}")
    };
    let value: Value = serde_json::from_str(line).map_err(|_| unknown())?;
    let name = value["name"].as_str().ok_or_else(unknown)?.to_owned();
    let failure = match (value["status"].as_str(), &value["text"]) {
        (Some("passed"), _) => None,
        (Some("failed"), Value::String(text)) => Some(text.clone()),
        _ => return Err(unknown()),
    };
    Ok(Told { name, failure })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_pass_and_fail_as_they_are_told() {
        let text = "{\"name\":\"a$x\",\"status\":\"passed\"}\n\
                    {\"name\":\"a$y\",\"status\":\"failed\",\"text\":\"it crashed\"}\n";
        let told = |name: &str, failure: Option<&str>| Told {
            name: name.into(),
            failure: failure.map(str::to_owned),
        };
        assert_eq!(read(text), Ok(vec![told("a$x", None), told("a$y", Some("it crashed"))]));
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
