//! `TZ=PST8PDT` names a zone with daylight saving time but not when it begins and ends. glibc takes
//! the zone file of that name or, without one, the rules of the United States; musl reads the value
//! as a rule without dates and has daylight saving time all year, so that a winter's afternoon is an
//! hour off. No zone file takes part, so nothing that could be installed would mend it. A value that
//! spells the dates out gives the same time on both sides, which is the remedy.

#[cfg(test)]
mod tests {
    use std::mem::MaybeUninit;

    /// Midnight between the 15th and the 16th of January 2026, UTC.
    const WINTER: i64 = 1_768_521_600;
    /// The same half a year later.
    const SUMMER: i64 = 1_784_160_000;

    extern "C" {
        fn tzset();
    }

    /// The hour of the day under a value of TZ.
    fn hour(zone: &str, time: i64) -> i32 {
        std::env::set_var("TZ", zone);
        let mut parts = MaybeUninit::uninit();
        // SAFETY: the test has the process for itself; localtime_r fills in the structure.
        unsafe {
            tzset();
            assert!(!libc::localtime_r(&time, parts.as_mut_ptr()).is_null());
            parts.assume_init().tm_hour
        }
    }

    #[test]
    fn winter_by_name() {
        assert_eq!(hour("PST8PDT", WINTER), 16);
    }

    #[test]
    fn summer_by_name() {
        assert_eq!(hour("PST8PDT", SUMMER), 17);
    }

    #[test]
    fn winter_by_rule() {
        assert_eq!(hour("PST8PDT,M3.2.0,M11.1.0", WINTER), 16);
    }
}
