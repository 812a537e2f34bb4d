"""Headers that make a browser treat every answer with care."""

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
"""Headers of an answer that does not set them: it is data, for pages of this origin, and not to be kept.

OWASP, REST Security Cheat Sheet, "Security Headers". Strict-Transport-Security is left to the TLS proxy.
"""

INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def page_policy(page: str) -> str:
    """Return the policy of a page: it may run its inline scripts and this server's.

    Swagger UI sets styles on elements, has icons inside its style sheet, and plays audio answers.
    """
    scripts = "".join(f" 'sha256-{_digest(script)}'" for script in INLINE.findall(page))
    return (
        f"default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src blob:; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def usual_headers(given: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return those of USUAL that an answer does not set itself."""
    names = {name.lower() for name, _ in given}
    return [(name, value) for name, value in USUAL.items() if name not in names]


def _digest(script: str) -> str:
    return b64encode(hashlib.sha256(script.encode()).digest()).decode()
