"""Checks of every request, whatever its route: its method, target and host must be valid.

The framework and the libraries below it raise exceptions for such requests, each for different ones.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address

METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")  # a token: RFC 9110 5.6.2
VISIBLE = re.compile(rb"[!-~]+")
ABSOLUTE = re.compile(rb"https?://([^/?#]+)([/?].*)?", re.IGNORECASE)  # RFC 9112 3.2.2
NAME = re.compile(rb"([A-Za-z0-9._~-]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?")
MOST_PORT = 65_535
MOST_LABEL, MOST_NAME = 63, 253  # RFC 1035 2.3.4

MOST_FIELDS = 100
"""Most fields in a request's head. In HTTP/2 a byte makes a field, and each costs time in all layers (Apache:
100).
"""

Header = tuple[bytes, bytes]


def fault_of(method: bytes, target: bytes, host: bytes) -> str:
    """Return the fault of a request, as a sentence; "": none."""
    if not METHOD.fullmatch(method):
        return "The method is not a name of letters."
    if not VISIBLE.fullmatch(target) or not _has_form(method, target):
        return "The target is not a path: it begins with '/', and other bytes than visible ASCII are escaped."
    if not is_host(host):
        return "The Host header is not a name or address with an optional port, such as example.org:8000."
    return ""


def fields_fault(count: int) -> str:
    """Return the fault of so many header fields, as a sentence; "": none."""
    return f"The request has {count} header fields; the most is {MOST_FIELDS}." if count > MOST_FIELDS else ""


def is_host(host: bytes) -> bool:
    """Tell whether this is valid in a Host header: RFC 9110 7.2. It may be empty."""
    match = NAME.fullmatch(host)
    if not match or int(match[2] or 0) > MOST_PORT:
        return False
    name = match[1]
    if name.startswith(b"["):
        return _is_ipv6(name[1:-1])
    if not name:
        return not host
    labels = name.removesuffix(b".").split(b".")
    return len(name) <= MOST_NAME and all(0 < len(label) <= MOST_LABEL for label in labels)


def origin_form(target: bytes) -> tuple[bytes, bytes | None]:
    """Return path and query of a target, and its host if it names one: RFC 9112 3.2.2."""
    match = ABSOLUTE.fullmatch(target)
    if not match:
        return target, None
    rest = match[2] or b"/"
    return (rest if rest.startswith(b"/") else b"/" + rest), match[1]


def _has_form(method: bytes, target: bytes) -> bool:
    return target.startswith(b"/") or (method == b"OPTIONS" and target == b"*")


def _is_ipv6(text: bytes) -> bool:
    try:
        IPv6Address(text.decode("ascii"))
    except ValueError:
        return False
    return True
