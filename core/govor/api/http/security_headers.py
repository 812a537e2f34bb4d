"""Headers by which a browser treats every answer with care, whatever it asked for."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

USUAL = {
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}
"""What an answer has that does not say otherwise: it is data, for the page that asked, and not to be kept.

OWASP, REST Security Cheat Sheet, "Security Headers". Strict-Transport-Security is for whoever speaks TLS.
"""

INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def page_policy(page: str) -> str:
    """Return the policy of a page: it runs the scripts that are written into it, and this server's.

    Swagger UI writes styles into its elements, has its icons inside its style, and plays what it got.
    """
    scripts = "".join(f" 'sha256-{_digest(script)}'" for script in INLINE.findall(page))
    return (
        f"default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src blob:; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def usual_headers(given: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers that an answer with these still lacks."""
    names = {name.lower() for name, _ in given}
    return [(name, value) for name, value in USUAL.items() if name not in names]


def _digest(script: str) -> str:
    return b64encode(hashlib.sha256(script.encode()).digest()).decode()
