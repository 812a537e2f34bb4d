"""Install the diarizer's networks in the place where the core would fetch them."""

from __future__ import annotations

from pathlib import Path

from diarization.material import EMBEDDING, SEGMENTATION, read_member
from govor.models.manifest import Digest, write_record
from govor_diarizer import diarizer


def install_networks(models_dir: Path) -> None:
    """Copy them into a folder of models. Raises FileNotFoundError if they were not downloaded."""
    spec = diarizer({}).models()[0]
    folder = models_dir / "diarizer" / spec.id
    folder.mkdir(parents=True, exist_ok=True)
    for file, member in zip(spec.files, (SEGMENTATION, EMBEDDING), strict=True):
        (folder / file.name).write_bytes(read_member(member))
    write_record(folder, {file.name: Digest(file.size, file.sha256) for file in spec.files})
