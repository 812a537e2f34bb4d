"""Proxies' headers are parsed as they were written, and believed only as far as the proxies are trusted."""

from __future__ import annotations

import time

import pytest

from govor.api.http.forwarded import LONGEST, Hop, outermost_hop


def hop(proxies: int, *headers: tuple[str, str]) -> Hop:
    return outermost_hop([(name.encode(), value.encode()) for name, value in headers], proxies)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("for=192.0.2.60;proto=http;by=203.0.113.43;host=a.example", Hop("192.0.2.60", "a.example", "http")),
        ('For="[2001:db8:cafe::17]:4711"', Hop("[2001:db8:cafe::17]:4711")),
        ('for=192.0.2.43, for="[2001:db8:cafe::17]"', Hop("[2001:db8:cafe::17]")),
        ('for="_a, for=_b";host=x, for=_c', Hop("_c")),
        ('host="a\\.example"', Hop(host="a.example")),
        ('for="203.0.113.9, for=192.0.2.1', Hop("192.0.2.1")),
        ('\\"\\"\\"for=203.0.113.9, for=192.0.2.1', Hop("192.0.2.1")),
        ("", Hop()),
        (";;=,,", Hop()),
    ],
)
def test_the_standard_header_is_read(value: str, found: Hop) -> None:
    assert hop(1, ("forwarded", value)) == found


def test_each_proxy_adds_its_account_in_one_line_or_in_another() -> None:
    lines = (("Forwarded", "for=192.0.2.1"), ("forwarded", "for=192.0.2.2, for=192.0.2.3"))
    assert [hop(count, *lines).client for count in range(4)] == ["", "192.0.2.3", "192.0.2.2", "192.0.2.1"]


def test_the_standard_header_does_not_count_beside_the_usual_ones() -> None:
    assert hop(1, ("forwarded", "host=evil.example"), ("x-forwarded-for", "192.0.2.1")) == Hop("192.0.2.1")


@pytest.mark.parametrize("piece", ["a", '\\"', '"a="\\', 'a="\\', 'aaaa\\"', '"'])
@pytest.mark.parametrize("length", [LONGEST - 100, 32_000])
def test_no_standard_header_takes_long_to_read(piece: str, length: int) -> None:
    began = time.thread_time()
    hop(1, ("forwarded", piece * (length // len(piece))))
    assert time.thread_time() - began < 0.03


def test_a_standard_header_that_is_too_long_says_nothing() -> None:
    lines = (("forwarded", "for=192.0.2.1"), ("forwarded", f"for=192.0.2.2;by={'a' * LONGEST}"))
    assert hop(1, *lines) == Hop()
