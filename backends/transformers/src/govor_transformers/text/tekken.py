"""The vocabulary of Mistral's models, tekken.json, as far as a transcription needs it.

The library mistral-common supports all of it, but needs a dozen more packages. Imports nothing of models.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import regex  # type: ignore[import-untyped]

import govor


class Tekken:
    """Converts tokens to bytes and back; ids of special tokens come first, those of bytes after them."""

    def __init__(self, path: Path):
        """Read a file. Raises LoadFailed."""
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            config = body["config"]
            self._first = int(config["default_num_special_tokens"])
            size = int(config["default_vocab_size"]) - self._first
            self._pieces = [base64.b64decode(entry["token_bytes"]) for entry in body["vocab"][:size]]
            self._specials = {str(one["token_str"]): int(one["rank"]) for one in body["special_tokens"]}
            self._pattern = regex.compile(config["pattern"])
        except (OSError, ValueError, LookupError, TypeError, regex.error) as error:
            raise govor.LoadFailed(f"{path} is no vocabulary of Voxtral: {error!r}") from error
        self._ranks = {piece: rank for rank, piece in enumerate(self._pieces)}

    def special(self, name: str) -> int:
        """Return the id of a special token such as `[INST]`. Raises LoadFailed."""
        if name not in self._specials:
            raise govor.LoadFailed(f"This vocabulary has no token {name}: the model does not transcribe.")
        return self._specials[name]

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a short text: neighbours are joined while the vocabulary has the result."""
        return [token for part in self._pattern.findall(text) for token in self._merge(part.encode())]

    def decode(self, token: int) -> bytes:
        """Return the bytes of a token; none for a special one."""
        place = token - self._first
        return self._pieces[place] if 0 <= place < len(self._pieces) else b""

    def _merge(self, data: bytes) -> Iterator[int]:
        parts = [data[at : at + 1] for at in range(len(data))]
        while True:
            pairs = [(self._ranks.get(parts[at] + parts[at + 1]), at) for at in range(len(parts) - 1)]
            known = [(rank, at) for rank, at in pairs if rank is not None]
            if not known:
                break
            _, at = min(known)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        for part in parts:
            yield self._first + self._ranks[part]
