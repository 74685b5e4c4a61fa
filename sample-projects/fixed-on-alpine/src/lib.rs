//! A difference in the other direction. `getservbyname` looks into `/etc/services`; Alpine's base has
//! that file, Debian's minimal base does not (it is in the package netbase). The test fails on Debian
//! and passes on Alpine. That is a matter of userland again, and nothing that speaks against the
//! move: "fixed".

#[cfg(test)]
mod tests {
    #[test]
    fn knows_the_port_of_http() {
        // SAFETY: both texts are terminated, and the result is read before the next call.
        let port = unsafe {
            let service = libc::getservbyname(c"http".as_ptr(), c"tcp".as_ptr());
            assert!(!service.is_null(), "no service of the name http");
            (*service).s_port
        };
        assert_eq!(u16::from_be(port as u16), 80);
    }

    #[test]
    fn knows_the_port_by_heart() {
        assert_eq!(std::net::SocketAddr::from(([127, 0, 0, 1], 80)).port(), 80);
    }
}
