//! Who is kept out: addresses and programs.
//!
//! [`network_of`] says whose connections count as one client's.

use ipnet::IpNet;
use std::net::IpAddr;

/// The network that is taken for one client: an IPv4 address, or the /64 of an IPv6 address, since
/// a household has one such and as many addresses in it as it likes.
pub(crate) fn network_of(ip: IpAddr) -> IpNet {
    let ip = ip.to_canonical();
    let prefix_bits = if ip.is_ipv4() { 32 } else { 64 };
    IpNet::new_assert(ip, prefix_bits).trunc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_is_one_client() {
        let network = |ip: &str| network_of(ip.parse().unwrap()).to_string();

        assert_eq!(network("192.0.2.7"), "192.0.2.7/32");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7/32");
        assert_eq!(network("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
    }
}
