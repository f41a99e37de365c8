//! One network. All addresses are 128 bits wide, those of IPv4 as `::ffff:a.b.c.d`, as Go keeps them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Fault;

/// How many bits stand in front of an IPv4 address.
const MAPPED_BITS: u32 = 96;

#[derive(Clone, Debug)]
pub struct Network {
    /// As it was given: with the bits behind the prefix.
    address: u128,
    prefix: u32,
    /// Whether it was spelled `::ffff:a.b.c.d/n`.
    is_spelled_mapped: bool,
}

impl Network {
    /// An address, a slash, and a length in digits. The bits behind the prefix are dropped.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let fault = || Fault::new("the text is no network: expected an address, a slash and a length");
        let (address, length) = text.split_once('/').ok_or_else(fault)?;
        let address: IpAddr = address.parse().map_err(|_| fault())?;
        if length.is_empty() || !length.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(fault());
        }
        let length: u32 = length.parse().map_err(|_| fault())?;
        let prefix = if address.is_ipv4() { MAPPED_BITS + length.min(128) } else { length };
        if prefix > 128 {
            return Err(fault());
        }
        let is_spelled_mapped = address.is_ipv6() && is_mapped(bits(address)) && prefix >= MAPPED_BITS;
        let mut network = Self { address: bits(address), prefix, is_spelled_mapped };
        network.address = network.first();
        Ok(network)
    }

    /// The same, or an address of IPv4, which stands for the network of its class and keeps all its bits.
    pub fn parse_or_class(text: &str) -> Result<Self, Fault> {
        let Ok(address) = text.parse::<IpAddr>() else { return Self::parse(text) };
        let address = bits(address);
        let class = match address.to_be_bytes()[12] {
            0..0x80 => 8,
            0x80..0xc0 => 16,
            _ => 24,
        };
        match is_mapped(address) {
            true => Ok(Self { address, prefix: MAPPED_BITS + class, is_spelled_mapped: false }),
            false => Err(Fault::new("an address of IPv6 needs a length")),
        }
    }

    fn host_mask(&self) -> u128 {
        u128::MAX.checked_shr(self.prefix).unwrap_or(0)
    }

    pub fn first(&self) -> u128 {
        self.address & !self.host_mask()
    }

    pub fn last(&self) -> u128 {
        self.address | self.host_mask()
    }

    pub fn is_spelled_mapped(&self) -> bool {
        self.is_spelled_mapped
    }

    /// Whether an address is inside; one of IPv4 is in no network of IPv6, not even in `::/0`.
    pub fn holds(&self, address: u128) -> bool {
        is_mapped(self.first()) == is_mapped(address) && (self.first()..=self.last()).contains(&address)
    }

    pub fn includes(&self, other: &Self) -> bool {
        is_mapped(self.first()) == is_mapped(other.first())
            && self.first() <= other.first()
            && other.last() <= self.last()
    }

    pub fn text(&self) -> String {
        let is_short = is_mapped(self.address) && self.prefix >= MAPPED_BITS;
        let length = if is_short { self.prefix - MAPPED_BITS } else { self.prefix };
        format!("{}/{length}", address_text(self.address))
    }

    /// The largest network that begins here and does not go beyond `last`.
    pub fn largest(first: u128, last: u128) -> Self {
        let aligned = first.trailing_zeros();
        let fitting = match (last - first).checked_add(1) {
            Some(count) => count.ilog2(),
            None => 128,
        };
        Self { address: first, prefix: 128 - aligned.min(fitting), is_spelled_mapped: false }
    }
}

pub fn is_mapped(address: u128) -> bool {
    address >> 32 == 0xffff
}

pub fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

pub fn address_text(address: u128) -> String {
    match u32::try_from(address & u128::from(u32::MAX)) {
        Ok(low) if is_mapped(address) => Ipv4Addr::from_bits(low).to_string(),
        _ => Ipv6Addr::from_bits(address).to_string(),
    }
}
