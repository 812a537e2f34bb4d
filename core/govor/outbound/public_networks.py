"""The addresses of the public internet, from lists of our own: the same on every Python.

Source: IANA's IPv4 and IPv6 Special-Purpose Address Registries, the IPv6 one as updated on 2025-10-09
(https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry), with multicast
(RFC 5771, RFC 4291), and IANA's IPv6 Address Space, where only 2000::/3 is allocated. Blocks that the
registries call globally reachable (AS112, AMT, ORCHIDv2) are on the lists too: no recording lies there.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

SPECIAL_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network, RFC 791
            "10.0.0.0/8",  # private, RFC 1918
            "100.64.0.0/10",  # shared behind carriers, RFC 6598; Alibaba's metadata, 100.100.100.200
            "127.0.0.0/8",  # loopback, RFC 1122
            "169.254.0.0/16",  # link-local, RFC 3927; most clouds' metadata, 169.254.169.254
            "172.16.0.0/12",  # private, RFC 1918
            "192.0.0.0/24",  # protocol assignments, RFC 6890; Oracle's old metadata, 192.0.0.192
            "192.0.2.0/24",  # documentation, RFC 5737
            "192.31.196.0/24",  # AS112, RFC 7535
            "192.52.193.0/24",  # AMT, RFC 7450
            "192.88.99.0/24",  # 6to4 relays, RFC 7526
            "192.168.0.0/16",  # private, RFC 1918
            "192.175.48.0/24",  # AS112, RFC 7534
            "198.18.0.0/15",  # benchmarks, RFC 2544
            "198.51.100.0/24",  # documentation, RFC 5737
            "203.0.113.0/24",  # documentation, RFC 5737
            "224.0.0.0/4",  # multicast, RFC 5771
            "240.0.0.0/4",  # reserved, RFC 1112; the broadcast address
            "168.63.129.16/32",  # Azure's platform, which its documentation calls WireServer
        ),
    )
)

GLOBAL_V6 = IPv6Network("2000::/3")
"""The only allocated part of IPv6; ::1, fe80::/10, fc00::/7 with the clouds' fd00:ec2::254 and fd20:ce::254,
5f00::/16, 100::/64, 64:ff9b:1::/48 and multicast are outside.
"""

SPECIAL_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, RFC 2928: Teredo, benchmarks, AMT, ORCHID, drones
            "2001:db8::/32",  # documentation, RFC 3849
            "2620:4f:8000::/48",  # AS112, RFC 7534
            "3fff::/20",  # documentation, RFC 9637
        ),
    )
)

MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291: the connection goes to the IPv4 address itself
TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052, NAT64: an IPv4 address in the last four bytes
SIX_TO_FOUR = IPv6Network("2002::/16")  # RFC 3056: an IPv4 address after the first two bytes


def is_public(text: str) -> bool:
    """Tell whether an address is on the public internet, including IPv6 forms of IPv4 addresses."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is None:
            return address in GLOBAL_V6 and not any(address in block for block in SPECIAL_V6)
        address = inner
    return not any(address in block for block in SPECIAL_V4)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, if it stands for one."""
    if address in MAPPED or address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return IPv4Address(int(address) >> 80 & 0xFFFF_FFFF) if address in SIX_TO_FOUR else None
