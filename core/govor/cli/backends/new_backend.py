"""`govor new-backend`: writes the package of a new backend, whose tests pass at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.resources import files
from keyword import iskeyword
from pathlib import Path
from shlex import quote

import click

from govor.cli.terminal.say import say
from govor.errors import ConfigurationError

PLUGINS = "govor"
"""Group of the plugins' entry points."""

EXAMPLE = "my-model"
"""The plugin's name in the template."""

PLACES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "src/govor_my_model.py": "module.py.txt",
    "tests/test_my_model.py": "test.py.txt",
}

TAKEN = frozenset({"Any", "Mapping", "MyStream", "Path", "Sequence"})
"""Names in the template's module that its classes cannot have."""

UNNEEDED = re.compile(r"\..*|.*\.(md|png|jpg|gif|pdf)", re.IGNORECASE)
"""Files of a repository that no model reads."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parts that the package begins with."""

    words: bool = False
    streaming: bool = False
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes; empty: any language."""
    repository: str = ""
    """OWNER/NAME[@REVISION] on the Hugging Face hub; empty: no files."""


@click.command("new-backend", short_help="Write the package of a backend of your own.")
@click.argument("name")
@click.option(
    "--in",
    "parent",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="Folder to put the package's folder into. Default: this one.",
)
@click.option("--words", is_flag=True, help="The model knows the times of words.")
@click.option("--streaming", is_flag=True, help="The model takes audio while it is spoken.")
@click.option("--languages", metavar="A,B", help="Languages of the model, as in ru,en. Default: any.")
@click.option(
    "--repository",
    metavar="OWNER/NAME",
    help="Repository on the Hugging Face hub: its files are listed as they are now. @REVISION may follow.",
)
@click.option("--ask", is_flag=True, help="Ask for the parts that no option names.")
def new_backend(
    name: str,
    parent: Path,
    words: bool,
    streaming: bool,
    languages: str | None,
    repository: str | None,
    ask: bool,
) -> None:
    """Write a package NAME, the start of a backend: it answers, and passes Govor's test suite at once.

    NAME becomes the plugin's name: lower-case letters, digits and single hyphens, as in my-model.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ConfigurationError(
            f"A plugin cannot be called '{name}': take lower-case letters, digits and single hyphens."
        )
    if entry_points(group=PLUGINS, name=name):
        raise ConfigurationError(f"A plugin '{name}' is installed already. Choose another name.")
    if ask:
        words = words or click.confirm("Does the model know the times of words?")
        streaming = streaming or click.confirm("Does it take audio while it is spoken?")
        languages = languages or click.prompt(
            "Its languages, as in ru,en (nothing: any)", "", show_default=False
        )
        repository = repository or click.prompt(
            "Its repository on the Hugging Face hub, OWNER/NAME (nothing: no files)", "", show_default=False
        )
    wanted = Wanted(words, streaming, _codes(languages or ""), repository or "")
    folder = write_package(name, parent, wanted)
    say(f"{folder} is ready. Install it beside Govor and try it:")
    say(f"  pip install -e {quote(str(folder))} pytest\n  pytest {quote(str(folder / 'tests'))}")
    if wanted.repository:
        say(f"  govor pull {name}")
    say(f"  govor test-backend {name}")


def _codes(languages: str) -> tuple[str, ...]:
    """Return the codes of languages between commas. Raises ConfigurationError."""
    from govor.formats.languages import parse_language

    try:
        return tuple(parse_language(text) for text in languages.split(",") if text.strip())
    except ValueError as error:
        raise ConfigurationError(f"--languages: {error}") from error


def write_package(name: str, parent: Path, wanted: Wanted | None = None) -> Path:
    """Write the files; return their folder.

    Raises ConfigurationError if the folder exists or cannot be made, or the repository cannot be listed.
    """
    wanted = wanted or Wanted()
    listed = _list_files(wanted.repository) if wanted.repository else ()
    parts = {
        "words": wanted.words,
        "streaming": wanted.streaming,
        "languages": bool(wanted.languages),
        "repository": bool(wanted.repository),
    }
    folder = parent / name
    try:
        folder.mkdir()
        for place, template in PLACES.items():
            path = folder / renamed(place, name)
            path.parent.mkdir(exist_ok=True)
            text = (files("govor") / "template" / template).read_text(encoding="utf-8")
            text = renamed("".join(_kept(text, parts)), name)
            text = text.replace("LANGUAGES", repr(wanted.languages).replace("'", '"'))
            text = text.replace("FILES_HERE", "\n".join(listed)).replace("REPOSITORY_HERE", wanted.repository)
            path.write_text(text, encoding="utf-8")
    except FileExistsError as error:
        raise ConfigurationError(f"{folder} exists already, and is left as it is.") from error
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}.") from error
    return folder


def _kept(template: str, parts: dict[str, bool]) -> Iterator[str]:
    """Yield the lines of a template that belong to the wanted parts: `#if PART`, `#else`, `#end`."""
    kept = True
    for line in template.splitlines(keepends=True):
        if line.startswith("#if "):
            kept = parts[line.split()[1]]
        elif line.startswith("#else"):
            kept = not kept
        elif line.startswith("#end"):
            kept = True
        elif kept:
            yield line


def _list_files(repository: str) -> Sequence[str]:
    """Return the lines that declare the files of a repository on the hub. Raises ConfigurationError."""
    from govor.models.download.http_download import SourceAbsent
    from govor.models.download.hub import list_repository, parse_repository
    from govor.models.download.progress import Transfer
    from govor.names import is_model_file

    try:
        name, revision = parse_repository(repository)
        commit, found = list_repository(name, revision, Transfer())
    except (SourceAbsent, ValueError) as error:
        raise ConfigurationError(f"--repository: {error}.") from error
    chosen = [file for file in found if is_model_file(file.name) and not UNNEEDED.fullmatch(file.name)]
    if not chosen:
        raise ConfigurationError(f"--repository: {repository} has no files of a model.")
    return [
        "    govor.ModelFile(\n"
        f"        {json.dumps(file.name)},\n"
        f"        ({json.dumps(f'hf:{name}@{commit}/{file.name}')},),\n"
        + (f"        size={file.size:_},\n" if file.size else "")
        + (f'        sha256="{file.sha256}",\n' if file.sha256 else "")
        + "    ),"
        for file in chosen
    ]


def renamed(text: str, name: str) -> str:
    """Replace the template's name with the new one, in each of its spellings."""
    camel = "".join(part.capitalize() for part in name.split("-"))
    if camel in TAKEN or iskeyword(camel):
        camel += "Model"
    names = {
        EXAMPLE: name,
        "my_model": name.replace("-", "_"),
        "MyModel": camel,
        "MyFamily": f"{camel}Family",
    }
    return re.sub("|".join(names), lambda found: names[found[0]], text)
