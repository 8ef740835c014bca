//! Which network addresses may be connected to.
//!
//! A key set's address comes from configuration, but what it resolves to is the DNS's
//! word, and a discovery document or a redirect can name anything. Inside most
//! networks are services that trust whoever can reach them (OWASP: server-side
//! request forgery), so the address is judged that is connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses the built-in client connects to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addresses {
    /// Those of the public Internet alone.
    #[default]
    Public,
    /// Those of private networks and of this machine as well. Link-local addresses
    /// (which clouds answer with credentials) are refused all the same.
    PublicAndPrivate,
}

/// What an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Public,
    Private,
    Never,
}

impl Addresses {
    /// Whether this address may be connected to.
    #[must_use]
    pub fn allow(self, address: IpAddr) -> bool {
        match kind(address) {
            Kind::Public => true,
            Kind::Private => self == Self::PublicAndPrivate,
            Kind::Never => false,
        }
    }
}

fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

/// IANA's registry of special-purpose IPv4 addresses, and multicast.
fn kind_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        // Loopback, private use (RFC 1918), and addresses shared behind a carrier (RFC 6598).
        [10 | 127, ..] | [192, 168, ..] | [172, 16..=31, ..] => Kind::Private,
        // Alibaba Cloud's metadata service lies among the shared ones.
        [100, 100, 100, 200] => Kind::Never,
        [100, 64..=127, ..] => Kind::Private,
        // "This network", link-local with the clouds' metadata, protocol assignments
        // with Oracle Cloud's, documentation, the old relay of 6to4, benchmarks.
        [0, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Kind::Never,
        // Azure's platform service has an address that only looks public.
        [168, 63, 129, 16] => Kind::Never,
        // Multicast, reserved, broadcast.
        [224..=255, ..] => Kind::Never,
        _ => Kind::Public,
    }
}

/// IANA's registry of special-purpose IPv6 addresses. What carries an IPv4 address
/// inside is judged by that.
fn kind_v6(address: Ipv6Addr) -> Kind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Private,
        // IPv4-mapped, and translated by NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            kind_v4(Ipv4Addr::new(a, b, c, d))
        }
        // AWS answers with credentials here, among the unique local addresses.
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254] => Kind::Never,
        [0xfc00..=0xfdff, ..] => Kind::Private,
        // Teredo, ORCHID and the rest of 2001::/23; documentation; 6to4, which hides
        // an IPv4 address; documentation again.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => {
            Kind::Never
        }
        // Global unicast is all that is left of the public Internet.
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(text: &str) -> (bool, bool) {
        let address = text.parse().unwrap();
        (
            Addresses::Public.allow(address),
            Addresses::PublicAndPrivate.allow(address),
        )
    }

    #[test]
    fn addresses_of_the_public_internet_are_allowed() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "168.63.129.15",
            "192.0.1.1",
            "192.169.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:200::1",
            "2a00::1",
            "::ffff:1.1.1.1",
            "64:ff9b::8.8.8.8",
        ] {
            assert_eq!(verdicts(text), (true, true), "{text}");
        }
    }

    #[test]
    fn private_addresses_need_a_word() {
        for text in [
            "127.0.0.1",
            "127.255.255.255",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "::1",
            "fc00::1",
            "fd12:3456::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::192.168.1.1",
        ] {
            assert_eq!(verdicts(text), (false, true), "{text}");
        }
    }

    #[test]
    fn addresses_where_no_key_set_can_be_are_never_allowed() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1.1.1.1",
            "::ffff:169.254.169.254",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "64:ff9b:1::1",
            "64:ff9b::169.254.169.254",
            "100::1",
            "4000::1",
            "5f00::1",
            "::ffff:0:127.0.0.1",
        ] {
            assert_eq!(verdicts(text), (false, false), "{text}");
        }
    }
}
