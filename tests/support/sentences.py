"""The guard against sentences that begin with a question word in place of a noun."""

from __future__ import annotations

import re

RIDDLE = re.compile(r"(?:^|[.!?:]\s+|\n\n|\*\*)\s*\(?((?:Who|What|Whose|Whom|Whoever|Whatever)\b[^.|]*)")
"""A sentence, a heading or a cell that begins with such a word."""
