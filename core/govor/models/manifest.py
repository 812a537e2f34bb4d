"""The record of verified files in a model's folder: .govor.json."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from govor.contract.models import ModelFile

RECORD = ".govor.json"
"""In each model's folder: size and sha256 of every file."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Digest:
    """Size and checksum of a file."""

    size: int
    sha256: str


def is_present(folder: Path, file: ModelFile, record: dict[str, Digest]) -> bool:
    """Tell whether a file is as it was verified, and is still the file that its plugin declares."""
    path, known = folder / file.name, record.get(file.name)
    if known is None or known.size != (file.size or known.size):
        return False
    if known.sha256 != (file.sha256 or known.sha256):
        return False
    return path.is_file() and path.stat().st_size == known.size


def read_record(folder: Path) -> dict[str, Digest]:
    """Return the verified files by name; none if the record is absent or damaged."""
    try:
        entries = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return {name: Digest(int(entry["size"]), str(entry["sha256"])) for name, entry in entries.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        log.warning("%s is damaged and is made anew: %s", folder / RECORD, error)
        return {}


def write_record(folder: Path, record: dict[str, Digest]) -> None:
    """Replace the record atomically."""
    part = folder / (RECORD + ".part")
    entries = {name: {"size": digest.size, "sha256": digest.sha256} for name, digest in record.items()}
    part.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    part.replace(folder / RECORD)
