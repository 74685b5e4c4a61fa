use all_green::double;

#[test]
fn doubling_twice_is_times_four() {
    assert_eq!(double(double(3)), 12);
}
