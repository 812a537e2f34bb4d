"""Which addresses are public, and what counts as an address."""

from __future__ import annotations

import pytest

from govor.errors import InvalidParam, UrlFailed, UrlNotAllowed
from govor.remote.addresses import is_public, parse_url, resolve


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
