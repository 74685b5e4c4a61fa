//! The host's network, and sockets that reach further than a network.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{self, UnixStream},
    },
    time::Duration,
};

use escape_attempts::{
    attempt::{refused, Attempt, Outcome},
    bait,
    kernel::{
        call,
        Arg::{Bytes, Number, Room},
    },
};
use libc::{EACCES, ECONNREFUSED, ENETUNREACH, EPERM};

const CONNECT: Attempt = Attempt::refused_by(&[ECONNREFUSED, ENETUNREACH, EPERM, EACCES]);

fn socket(family: i32, kind: i32, protocol: i32) -> std::io::Result<i64> {
    call(libc::SYS_socket, [family, kind, protocol].map(|number| Number(number.into())))
}

fn connect(address: &str) -> Outcome {
    let address = SocketAddr::new(address.parse().expect("an address"), bait::PORT);
    TcpStream::connect_timeout(&address, Duration::from_secs(5)).map(drop)
}

#[test]
fn opens_a_raw_socket() {
    Attempt::refused_by(&[EPERM, EACCES])
        .judge(|| socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP).map(drop));
}

#[test]
fn opens_a_packet_socket() {
    Attempt::refused_by(&[EPERM, EACCES])
        .judge(|| socket(libc::AF_PACKET, libc::SOCK_RAW, 0).map(drop));
}

#[test]
fn reaches_the_loopback_of_the_host() {
    CONNECT.judge(|| connect("127.0.0.1"));
}

#[test]
fn reaches_an_address_of_the_host() {
    CONNECT.judge(|| connect(&bait::host_address()));
}

#[test]
fn reaches_an_abstract_socket_of_the_host() {
    CONNECT.judge(|| {
        let address = net::SocketAddr::from_abstract_name(bait::TEXT).expect("an abstract name");
        UnixStream::connect_addr(&address).map(drop)
    });
}

#[test]
fn sees_interfaces_of_the_host() {
    Attempt::refused_by(&[]).judge(|| {
        let text = fs::read_to_string("/proc/net/dev").expect("/proc/net/dev");
        let names =
            text.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim());
        match names.filter(|name| *name != "lo").count() {
            0 => Err(refused("there is loopback only")),
            _ => Ok(()),
        }
    });
}

/// Sets the flags that are set.
#[test]
fn changes_an_interface() {
    Attempt::refused_by(&[EPERM]).judge(|| {
        let socket = socket(libc::AF_INET, libc::SOCK_DGRAM, 0).expect("a socket");
        // `struct ifreq`: 16 bytes of name, then what is asked for.
        let mut request = [0; 40];
        request[..2].copy_from_slice(b"lo");
        let get = Number(libc::SIOCGIFFLAGS as i64);
        call(libc::SYS_ioctl, [Number(socket), get, Room(&mut request)]).expect("its flags");
        let set = Number(libc::SIOCSIFFLAGS as i64);
        call(libc::SYS_ioctl, [Number(socket), set, Bytes(&request)]).map(drop)
    });
}
