"""Prints text whose parts may come from a server, a file or a model's name, without control characters."""

from __future__ import annotations

from typing import Any

import click

from govor.errors import GovorError
from govor.plain import escape, escape_json, in_words


def say(text: str, *, err: bool = False, **style: Any) -> None:
    """Print a text, in the styles of `click.style`; control characters in it are escaped."""
    click.secho(escape(text, keep="\n\t"), err=err, **style)


def say_json(text: str) -> None:
    """Print JSON with escaped control characters, which does not change its meaning."""
    click.echo(escape_json(text))


def sentence(error: GovorError | OSError) -> str:
    """Return an error as a sentence, to follow the name of what it concerns."""
    return str(error) if isinstance(error, GovorError) else f"{in_words(error)}."
