//! Test targets with `harness = false` bring a `main` of their own. One here speaks libtest's command
//! line by way of libtest-mimic, so its tests are listed and run one by one. Another ignores its
//! arguments and runs everything it has, whatever it is asked, and a third refuses arguments it does
//! not know: each of those two is one test, by the name of the target, and is run without arguments.
