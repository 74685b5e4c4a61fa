//! Tests number their temporary folders by a counter in memory: right where all tests run in one
//! process. In processes of their own, every one begins with the same number.

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::PathBuf,
        sync::atomic::{AtomicUsize, Ordering},
        thread,
        time::Duration,
    };

    static NUMBER: AtomicUsize = AtomicUsize::new(0);

    fn own_folder() -> PathBuf {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join("same-temporary-name").join(number.to_string());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::create_dir(&path).expect("a folder that nobody else has");
        path
    }

    /// Leaves its folder behind, so that the next attempt would meet it as well.
    fn works_in_its_folder() {
        let path = own_folder();
        fs::write(path.join("file"), "text").unwrap();
        thread::sleep(Duration::from_millis(200));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    }

    #[test]
    fn first() {
        works_in_its_folder();
    }

    #[test]
    fn second() {
        works_in_its_folder();
    }

    #[test]
    fn third() {
        works_in_its_folder();
    }

    #[test]
    fn fourth() {
        works_in_its_folder();
    }
}
