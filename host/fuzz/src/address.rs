//! Every spelling of a forbidden address is forbidden.

use muster::egress::address::{Class, class};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes: four of an IPv4 address, and sixteen for what lies around it and for an address of their own.
pub fn any(data: &[u8]) {
    let mut all = [0; 20];
    data.iter().zip(&mut all).for_each(|(from, to)| *to = *from);
    let (v4, rest) = all.split_first_chunk::<4>().expect("twenty bytes");
    let around = u128::from_be_bytes(rest.try_into().expect("sixteen bytes"));
    let v4 = Ipv4Addr::from(*v4);
    what_the_library_calls_special(IpAddr::V4(v4));
    what_the_library_calls_special(IpAddr::V6(around.into()));
    outside_of_global_unicast(around.into());
    embedded(v4, around);
    embedded_at_the_front(v4, around);
}

/// How much is refused: nothing, what the operator has not opened, almost all.
fn strictness(ip: IpAddr) -> u8 {
    match class(ip) {
        None => 0,
        Some(Class::Private) => 1,
        Some(Class::LinkLocal) => 2,
    }
}

/// An IPv6 address that stands for an IPv4 one is refused, and no less than that one. `around` fills what the
/// embedding leaves free.
pub fn embedded(v4: Ipv4Addr, around: u128) {
    let bits = u128::from(v4.to_bits());
    let below = |bytes: u32| around & ((1 << bytes) - 1);
    let table = [
        ("compatible", bits),
        ("mapped", 0xffff << 32 | bits),
        ("translated", 0xffff << 48 | bits),
        ("NAT64", 0x0064_ff9b << 96 | bits),
        ("NAT64 of the site", 0x0064_ff9b_0001 << 80 | (around << 32 & ((1 << 80) - 1)) | bits),
        ("6to4", 0x2002 << 112 | bits << 80 | below(80)),
        ("Teredo", 0x2001 << 112 | (around << 32 & ((1 << 96) - 1)) | (!bits & 0xffff_ffff)),
    ];
    for (name, v6) in table {
        no_less_strict(name, v4, Ipv6Addr::from_bits(v6));
    }
}

/// The same for the prefixes of RFC 6052 that are shorter than 96 bits: the address lies about the ninth byte, which
/// is 0. `64:ff9b:1::/48` is the operator's to divide (RFC 8215).
pub fn embedded_at_the_front(v4: Ipv4Addr, around: u128) {
    let bits = u128::from(v4.to_bits());
    let site = 0x0064_ff9b_0001 << 80;
    // Prefix, what is free between `64:ff9b:1` and the address, and the address with a hole of one byte in it.
    let table = [
        ("/48", 0, (bits >> 16) << 64 | (bits & 0xffff) << 40, 40),
        ("/56", (around & 0xff) << 72, (bits >> 24) << 64 | (bits & 0x00ff_ffff) << 32, 32),
        ("/64", (around & 0xffff) << 64, bits << 24, 24),
    ];
    for (name, between, address, suffix) in table {
        let v6 = site | between | address | (around & ((1 << suffix) - 1));
        no_less_strict(name, v4, Ipv6Addr::from_bits(v6));
    }
}

fn no_less_strict(name: &str, v4: Ipv4Addr, v6: Ipv6Addr) {
    let (inside, outside) = (strictness(v4.into()), strictness(v6.into()));
    assert!(outside > 0, "{name}: {v6} is dialed although it stands for {v4}");
    assert!(outside >= inside, "{name}: {v6} is opened more easily than {v4}, for which it stands");
}

/// What the standard library knows to be no public address is refused.
pub fn what_the_library_calls_special(ip: IpAddr) {
    let special = match ip {
        IpAddr::V4(ip) => {
            ip.is_private()
                || ip.is_loopback()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                || ip.is_unspecified()
                || ip.is_link_local()
        }
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_multicast()
                || ip.is_unspecified()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
        }
    };
    assert!(!special || strictness(ip) > 0, "{ip} is dialed");
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    assert!(!link_local || strictness(ip) == 2, "{ip} is opened like a private address");
    let canonical = ip.to_canonical();
    assert!(strictness(ip) >= strictness(canonical), "{ip} is opened more easily than {canonical}");
}

/// Only 2000::/3 was ever given out.
pub fn outside_of_global_unicast(ip: Ipv6Addr) {
    assert!(ip.to_bits() >> 125 == 1 || strictness(ip.into()) > 0, "{ip} is dialed");
}
