//! Which addresses are not the public internet.
//!
//! Rule: an address is dialed only if it is public, in every spelling. Reason: the host stands inside a
//! network the connector must not see. Attack: a name that resolves to 169.254.169.254, or to the same
//! inside an IPv6 form (mapped, compatible, NAT64, 6to4, Teredo).
//! Source: the IANA special-purpose address registries (RFC 6890 and what it updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A cloud's metadata service, or another link-local address: opened only as a literal.
    LinkLocal,
    /// Private, loopback, reserved, multicast: opened by `allow-private`.
    Private,
}

const V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// Addresses of metadata services that do not lie in 169.254.0.0/16 or fe80::/10.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// The class of an address that is not public; `None` for a public one.
pub fn class(ip: IpAddr) -> Option<Class> {
    match ip {
        IpAddr::V4(ip) => class_v4(ip),
        IpAddr::V6(ip) => class_v6(ip),
    }
}

fn class_v4(ip: Ipv4Addr) -> Option<Class> {
    if ip.is_link_local() || METADATA_V4.contains(&ip) {
        return Some(Class::LinkLocal);
    }
    let bits = ip.to_bits();
    V4.iter().any(|(net, len)| (bits ^ net.to_bits()) >> (32 - len) == 0).then_some(Class::Private)
}

fn class_v6(ip: Ipv6Addr) -> Option<Class> {
    let s = ip.segments();
    let [a, b, ..] = s;
    if ip.is_unicast_link_local() || METADATA_V6.contains(&ip) {
        return Some(Class::LinkLocal);
    }
    // An IPv4 address inside: the worst of what it says and what its wrapping says. All of them
    // are at least private: on a network with DNS64 alone every vendor is refused, and has to be opened on purpose.
    // In the site's own NAT64 prefix the address lies where the site wants it (RFC 6052, 2.2): the worst of all places.
    if s.starts_with(&[0x64, 0xff9b, 1]) && site_nat64(s).into_iter().any(|v4| class_v4(v4) == Some(Class::LinkLocal)) {
        return Some(Class::LinkLocal);
    }
    if let Some(inner) = embedded(s) {
        return Some(class_v4(inner).unwrap_or(Class::Private));
    }
    // Only 2000::/3 is global unicast; inside it, what the registries set apart.
    let global = a & 0xe000 == 0x2000
        && !(a == 0x2001 && b < 0x0200)        // 2001::/23: Teredo, ORCHID, benchmarking
        && !(a == 0x2001 && b == 0x0db8)       // documentation
        && !(a == 0x3fff && b < 0x1000)        // documentation
        && !(a == 0x2620 && b == 0x004f); // AS112
    (!global).then_some(Class::Private)
}

/// What an address in `64:ff9b:1::/48` may stand for where the prefix has 48, 56 or 64 bits; the ninth byte is no part.
fn site_nat64([_, _, _, d, e, f, g, _]: [u16; 8]) -> [Ipv4Addr; 3] {
    let [d, e, f, g] = [d, e, f, g].map(u32::from);
    let low = e & 0xff;
    [d << 16 | low << 8 | f >> 8, (d & 0xff) << 24 | low << 16 | f, low << 24 | f << 8 | g >> 8]
        .map(Ipv4Addr::from_bits)
}

/// The IPv4 address an IPv6 spelling stands for.
fn embedded(s: [u16; 8]) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = s;
    let low = || Ipv4Addr::from_bits(u32::from(g) << 16 | u32::from(h));
    match s {
        // ::/96 compatible (with :: and ::1), ::ffff:0:0/96 mapped, ::ffff:0:0:0/96 translated.
        _ if [a, b, c, d, e] == [0; 5] && (f == 0 || f == 0xffff) => Some(low()),
        _ if [a, b, c, d, f] == [0; 5] && e == 0xffff => Some(low()),
        // 64:ff9b::/96 NAT64 and 64:ff9b:1::/48 its local form.
        _ if a == 0x64 && b == 0xff9b => Some(low()),
        // 2002::/16, 6to4.
        _ if a == 0x2002 => Some(Ipv4Addr::from_bits(u32::from(b) << 16 | u32::from(c))),
        // 2001::/32, Teredo: the client's address, inverted.
        _ if a == 0x2001 && b == 0 => Some(Ipv4Addr::from_bits(!(u32::from(g) << 16 | u32::from(h)))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Class> {
        class(text.parse().expect(text))
    }

    #[test]
    fn public_addresses_are_public() {
        for ip in ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "2606:4700::1111", "2a00:1450::1"] {
            assert_eq!(of(ip), None, "{ip}");
        }
    }

    #[test]
    fn special_purpose_addresses_are_private() {
        let table = [
            "0.0.0.0",
            "10.0.0.5",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "100::1",
            "3fff::1",
            "2001:2::1",
            "fec0::1",
            "5f00::1",
        ];
        for ip in table {
            assert_eq!(of(ip), Some(Class::Private), "{ip}");
        }
    }

    #[test]
    fn metadata_and_link_local_addresses_are_a_class_of_their_own() {
        for ip in [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "fe80::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
        ] {
            assert_eq!(of(ip), Some(Class::LinkLocal), "{ip}");
        }
    }

    #[test]
    fn every_embedding_of_the_metadata_address_is_link_local() {
        let table = [
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "2001:0:1234::5601:5601",
        ];
        for ip in table {
            assert_eq!(of(ip), Some(Class::LinkLocal), "{ip}");
        }
    }
}
