include!("../constructor.rs");

#[test]
fn starts() {}
