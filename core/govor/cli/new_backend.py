"""`govor new-backend`: writes the package of a new backend, whose tests pass at once."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import click

from govor.cli.terminal.say import say
from govor.errors import ConfigurationError
from govor.plugins import GROUP

EXAMPLE = "echo"
"""The plugin's name in the template."""

PLACES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    f"src/govor_{EXAMPLE}.py": "module.py.txt",
    f"tests/test_{EXAMPLE}.py": "test.py.txt",
}


@click.command("new-backend", short_help="Write the package of a backend of your own.")
@click.argument("name")
@click.option(
    "--in",
    "parent",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="Folder to put the package's folder into. Default: this one.",
)
def new_backend(name: str, parent: Path) -> None:
    """Write a package NAME, the start of a backend: it answers, and passes Govor's test suite at once.

    NAME becomes the plugin's name: lower-case letters, digits and single hyphens, as in my-model.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ConfigurationError(
            f"A plugin cannot be called '{name}': take lower-case letters, digits and single hyphens."
        )
    if entry_points(group=GROUP, name=name):
        raise ConfigurationError(f"A plugin '{name}' is installed already. Choose another name.")
    folder = write_package(name, parent)
    say(f"{folder} is ready. Install it beside Govor and try it:")
    say(f"  pip install -e {folder} pytest\n  govor plugins\n  pytest {folder / 'tests'}")


def write_package(name: str, parent: Path) -> Path:
    """Write the files; return their folder. Raises ConfigurationError if it exists or cannot be made."""
    folder = parent / name
    try:
        folder.mkdir()
        for place, template in PLACES.items():
            path = folder / renamed(place, name)
            path.parent.mkdir(exist_ok=True)
            text = (files("govor") / "template" / template).read_text(encoding="utf-8")
            path.write_text(renamed(text, name), encoding="utf-8")
    except FileExistsError as error:
        raise ConfigurationError(f"{folder} exists already, and is left as it is.") from error
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}.") from error
    return folder


def renamed(text: str, name: str) -> str:
    """Replace the template's name with the new one, in each of its spellings."""
    names = {
        f"_{EXAMPLE}": "_" + name.replace("-", "_"),
        EXAMPLE: name,
        EXAMPLE.capitalize(): "".join(part.capitalize() for part in name.split("-")),
    }
    return re.sub(rf"_?{EXAMPLE}|{EXAMPLE.capitalize()}", lambda found: names[found[0]], text)
