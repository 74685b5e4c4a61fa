//! glibc knows the locales that are installed and refuses every other name. musl has no locale data
//! but its own C.UTF-8, and takes any name that could be one, so `setlocale` succeeds for a locale
//! that nobody has ever heard of, and for a real one too, without doing what that locale says. With
//! no variable set, musl's default charset is UTF-8 and glibc's is ASCII (`ANSI_X3.4-1968`). The
//! name `C.UTF-8` works on both, which is the remedy.

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    fn set(name: &CStr) -> bool {
        // SAFETY: the test has the process for itself.
        !unsafe { libc::setlocale(libc::LC_ALL, name.as_ptr()) }.is_null()
    }

    fn codeset() -> String {
        // SAFETY: the text is copied before the locale can change again.
        let text = unsafe { CStr::from_ptr(libc::nl_langinfo(libc::CODESET)) };
        text.to_str().unwrap().to_owned()
    }

    #[test]
    fn knows_c_utf_8() {
        assert!(set(c"C.UTF-8"));
        assert_eq!(codeset(), "UTF-8");
    }

    #[test]
    fn refuses_a_locale_that_does_not_exist() {
        assert!(!set(c"xx_XX.UTF-8"), "there is a locale xx_XX.UTF-8");
    }

    #[test]
    fn default_charset_is_ascii() {
        for variable in ["LC_ALL", "LC_CTYPE", "LANG"] {
            std::env::remove_var(variable);
        }
        assert!(set(c""));
        assert_eq!(codeset(), "ANSI_X3.4-1968");
    }
}
