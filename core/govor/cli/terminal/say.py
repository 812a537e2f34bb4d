"""Lines on the terminal: what comes from a server, a file or a model's name commands it nothing."""

from __future__ import annotations

from typing import Any

import click

from govor.errors import GovorError
from govor.plain import escape, escape_json, in_words


def say(text: str, *, err: bool = False, **style: Any) -> None:
    """Print a text for people, in `click.style`'s colours; control characters in it are shown, not obeyed."""
    click.secho(escape(text, keep="\n\t"), err=err, **style)


def say_json(text: str) -> None:
    """Print JSON; it means the same, and commands a terminal nothing."""
    click.echo(escape_json(text))


def sentence(error: GovorError | OSError) -> str:
    """What went wrong with something that is named before it."""
    return str(error) if isinstance(error, GovorError) else f"{in_words(error)}."
