//! Glibc passes the arguments of the program to its constructors, the functions in `.init_array`;
//! musl passes nothing, and a constructor that reads them finds whatever the registers held. Code
//! that counts on them dies before `main`: a test binary cannot even list its tests, and a program
//! without any test breaks as well, which no test would show. The remedy is to read the arguments
//! later, or from `/proc/self/cmdline`.

#[cfg(test)]
mod tests {
    #[test]
    fn has_no_constructor() {}
}
