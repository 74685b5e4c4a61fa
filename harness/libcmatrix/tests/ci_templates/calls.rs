//! Every call of libcmatrix in a template, held against the command line.

use libcmatrix::cli;

use crate::{
    documents::{all, parse, scripts},
    shell::commands,
};

/// What the command line says against a call; nothing if it takes it.
fn fault(call: &[String]) -> Option<String> {
    // What the variables of a shard hold when the script runs.
    let mut words: Vec<&str> = call.iter().map(String::as_str).collect();
    if let Some(option) = words.iter().position(|word| *word == "--shard") {
        words[option + 1] = "2/3";
    }
    cli::command().try_get_matches_from(words).err().map(|e| e.to_string())
}

#[test]
fn every_call_exists() {
    for (_, file) in all() {
        let calls: Vec<Vec<String>> = scripts(&parse(&file))
            .iter()
            .flat_map(|script| commands(script))
            .filter(|words| words[0] == "libcmatrix")
            .collect();
        assert!(calls.len() >= 3, "{}: {calls:?}", file.path);
        for call in &calls {
            assert_eq!(fault(call), None, "{}: {}", file.path, call.join(" "));
        }
    }
}

#[test]
fn a_call_that_does_not_exist_is_found() {
    for script in ["libcmatrix compare --no-such a b", "libcmatrix no-such", "libcmatrix compare a"]
    {
        let found = commands(script);
        assert!(fault(&found[0]).is_some(), "{script}");
    }
}
