"""Public addresses, and the form of URLs."""

from __future__ import annotations

import pytest

from govor.errors import InvalidParam, UrlFailed, UrlNotAllowed
from govor.outbound.addresses import parse_url, resolve
from govor.outbound.public_networks import is_public

PUBLIC = """
1.1.1.1 93.184.216.34 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255
192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255
203.0.114.0 223.255.255.255 168.63.129.15 168.63.129.17
2606:4700:4700::1111 2000:: 2001:200::1 2001:db7:ffff:: 2001:db9:: 3ffe:: 3fff:1000::
::ffff:1.1.1.1 64:ff9b::101:101 2002:101:101::1
"""
PRIVATE = """
0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 100.100.100.200 127.255.255.255
169.254.0.0 169.254.169.254 169.254.169.253 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.9 192.0.0.10
192.0.0.170 192.0.0.192 192.0.0.255 192.0.2.255 192.31.196.1 192.52.193.1 192.88.99.1 192.175.48.1
192.168.255.255 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.255
168.63.129.16
:: ::1 ::127.0.0.1 ::ffff:0:7f00:1 64:ff9b:1::1 64:ff9b:1:7f00:0:100:: 64:ff9b::a9fe:a9fe 64:ff9b::7f00:1
100::1 100:0:0:1::1 1fff:: 2001::1 2001:0:7f00:1:: 2001:1::1 2001:1::3 2001:2::1 2001:3::1 2001:4:112::1
2001:10::1 2001:20::1 2001:30::1 2001:1ff:ffff:: 2001:db8:ffff:: 2002:7f00:1:: 2002:a9fe:a9fe::
2002:c058:6301:: 2620:4f:8000::1 3fff::1 3fff:fff:ffff:: 4000:: 5f00::1 fc00::1 fd00:ec2::254 fd20:ce::254
fe80::1 fe80::a9fe:a9fe febf:ffff:: fec0::1 ff02::1 ff0e::1 ::ffff:169.254.169.254 ::ffff:192.0.0.192
::ffff:168.63.129.16
"""


@pytest.mark.parametrize("address", PUBLIC.split())
def test_addresses_beside_a_special_block_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE.split())
def test_special_blocks_are_not_public_from_their_first_address_to_their_last(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
    ],
)
def test_other_addresses_are_not_whatever_they_are_dressed_as(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
    ],
)
def test_loopback_is_refused_in_every_spelling(host: str) -> None:
    url = parse_url(f"http://{host}:9/x", "file_url")
    with pytest.raises((UrlNotAllowed, UrlFailed)):
        resolve(url, private=False, param="file_url")


def test_a_refusal_names_the_setting() -> None:
    with pytest.raises(UrlNotAllowed, match="'webhook_urls' must be \"any\""):
        resolve(parse_url("http://127.0.0.1/", "webhook_url"), private=False, param="webhook_url")
    assert resolve(parse_url("http://127.0.0.1/", "webhook_url"), private=True, param="x") == ["127.0.0.1"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://example.org/a",
        "ftp://example.org:80/a",
        "file://example.org:80/etc/passwd",
        "file:///etc/passwd",
        "//example.org/a",
        "http://",
        "http://user:secret@example.org/",
        "http://example.org:0x50/",
        "http://example.org:99999/",
        "http://exa mple.org/",
        "http://example.org/a\r\nHost: b",
        "http://example.org/привет",
        "http://[::1/",
        f"http://example.org/{'a' * 9000}",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidParam):
        parse_url(text, "file_url")


def test_an_address_is_taken_apart() -> None:
    url = parse_url("HTTPS://Пример.рф:8443/a/b?c=d#e", "file_url")
    assert (url.scheme, url.host, url.port, url.target) == (
        "https",
        "xn--e1afmkfd.xn--p1ai",
        8443,
        "/a/b?c=d",
    )
    assert parse_url("http://example.org", "file_url").target == "/"
    assert parse_url("http://example.org?a=1", "file_url").target == "/?a=1"
