//! Harnesses other than libtest take any text for the name of a test: spaces, quotes, other
//! alphabets, markup, escape sequences, something that looks like an option or like the end of a line
//! in the list of tests. Each test here passes only when it is run by its exact name, on its own, and
//! no report may be broken by the name. One test of each target fails, so that its name is printed as
//! that of a failure. A name that begins with a dash reaches libtest-mimic only behind `--`, as in
//! `--exact -- -leading`. libtest-mimic leaves escape sequences out when it prints its list, so a name
//! that holds one cannot be asked for again; the names with escape sequences are therefore in a target
//! with a small harness of its own.
