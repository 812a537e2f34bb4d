"""What a model's folder holds, as it was verified: the file .govor.json in it."""

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
    """What a file turned out to be."""

    size: int
    sha256: str


def is_present(folder: Path, file: ModelFile, record: dict[str, Digest]) -> bool:
    """Tell whether a file is here as it was verified, and is still the one that its plugin means."""
    path, known = folder / file.name, record.get(file.name)
    if known is None or known.size != (file.size or known.size):
        return False
    if known.sha256 != (file.sha256 or known.sha256):
        return False
    return path.is_file() and path.stat().st_size == known.size


def read_record(folder: Path) -> dict[str, Digest]:
    """Return what was verified, by file name; nothing where the record is absent or damaged."""
    try:
        entries = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return {name: Digest(int(entry["size"]), str(entry["sha256"])) for name, entry in entries.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        log.warning("%s is damaged and is made anew: %s", folder / RECORD, error)
        return {}


def write_record(folder: Path, record: dict[str, Digest]) -> None:
    """Replace the record at one stroke."""
    part = folder / (RECORD + ".part")
    entries = {name: {"size": digest.size, "sha256": digest.sha256} for name, digest in record.items()}
    part.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    part.replace(folder / RECORD)
