"""Lines on the terminal: what comes from a server, a file or a model's name commands it nothing."""

from __future__ import annotations

from typing import Any

import click

from govor.plain import escape, escape_json


def say(text: str, *, err: bool = False, **style: Any) -> None:
    """Print a text for people, in `click.style`'s colours; control characters in it are shown, not obeyed."""
    click.secho(escape(text, keep="\n\t"), err=err, **style)


def say_json(text: str) -> None:
    """Print JSON; it means the same, and commands a terminal nothing."""
    click.echo(escape_json(text))
