//! A test that is simply wrong fails on both sides in the same way. The project has something to
//! mend, but a move to Alpine changes nothing about it, so it does not stand in the way.

#[cfg(test)]
mod tests {
    #[test]
    fn expects_the_wrong_sum() {
        assert_eq!(2 + 2, 5, "arithmetic is the same everywhere");
    }

    #[test]
    fn expects_the_right_sum() {
        assert_eq!(2 + 2, 4);
    }
}
