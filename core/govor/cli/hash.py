"""`govor hash`: size and sha256 of files, in the form in which a backend lists them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import click

from govor.cli.terminal.say import say
from govor.errors import ConfigurationError

CHUNK_BYTES = 2**20


@click.command("hash", short_help="Print size and sha256 of files for a backend's list of models.")
@click.argument(
    "paths", nargs=-1, required=True, metavar="FILES…", type=click.Path(path_type=Path, exists=True)
)
@click.option(
    "--source",
    metavar="START",
    default="…",
    help="Beginning of each file's source, as in hf:OWNER/REPO@REVISION or https://models.example/small.",
)
def hash_files(paths: tuple[Path, ...], source: str) -> None:
    """Print each of FILES, and each file of a folder, as the `govor.ModelFile` that a backend lists.

    The name of a file from a folder is its path in that folder.
    """
    for name, path in _named(paths):
        size, sha256 = _measured(path)
        say(f'govor.ModelFile(\n    "{name}",\n    ("{source}/{name}",),\n    {size},\n    "{sha256}",\n),')


def _named(paths: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    for path in paths:
        if path.is_dir():
            for found in sorted(path.rglob("*")):
                if found.is_file():
                    yield found.relative_to(path).as_posix(), found
        else:
            yield path.name, path


def _measured(path: Path) -> tuple[int, str]:
    """Return size in bytes and sha256. Raises ConfigurationError."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while data := file.read(CHUNK_BYTES):
                digest.update(data)
                size += len(data)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    return size, digest.hexdigest()
