use libtest_mimic::{Arguments, Trial};

/// The names. None holds a line break: the list of tests has a line for each.
const NAMES: &[&str] = &[
    "with spaces  in it",
    "\"double\" and 'single' quotes",
    "Größe, größer, 最大, 🦀",
    "left-to-right \u{202e}tfel-ot-thgir",
    "module::inner::name",
    "<script>alert(1)</script>",
    "&amp; ]]> <!-- --> {{7*7}} ${HOME} $(id) `id`",
    "::error file=src/lib.rs::not an error",
    "a | b\ttab \\ backslash / slash ../../etc/passwd",
    "ends like a list: test",
    "-leading",
    "--exact",
    "trailing space ",
    "*",
    "$dollar$sign",
];

fn main() {
    let arguments = Arguments::from_args();
    let asked_for_one = arguments.exact;

    let mut trials: Vec<Trial> = NAMES
        .iter()
        .map(|name| {
            Trial::test(*name, move || {
                if asked_for_one {
                    Ok(())
                } else {
                    Err("run without --exact".into())
                }
            })
        })
        .collect();
    trials.push(Trial::test("<b>fails</b> \"loudly\" & often", || {
        Err("a failure with an odd name".into())
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if asked_for_one && conclusion.num_passed + conclusion.num_failed != 1 {
        eprintln!("--exact did not select exactly one test");
        std::process::exit(102);
    }
    conclusion.exit();
}
