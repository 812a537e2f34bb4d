"""The command `govor`: serve, transcribe, models on disk and in memory, plugins, and what plugins add.

Exit codes: 0 done; 1 something went wrong, said on stderr; 2 the command line is wrong; 130 interrupted.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

from govor import __version__
from govor.cli.client.memory import load, ps, reload, unload
from govor.cli.group import Commands
from govor.cli.hash import hash_files
from govor.cli.jobs import jobs
from govor.cli.models.listing import models
from govor.cli.models.manage import du, prune, pull, rm, verify
from govor.cli.new_backend import new_backend
from govor.cli.plugins import plugins
from govor.cli.serve.command import serve
from govor.cli.terminal.exit import leave
from govor.cli.terminal.say import say
from govor.cli.transcribe.command import transcribe
from govor.errors import GovorError


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="govor")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    is_eager=True,  # known when the plugins' commands are listed for --help
    help="Configuration file. [env: GOVOR_CONFIG; default: ./plugins.toml, if there is one]",
)
@click.pass_context
def cli(context: click.Context, config: Path | None) -> None:
    """Speech to text: a server for many models behind the OpenAI audio API, and the same at the terminal.

    Every setting can be given on the command line, in the environment (GOVOR_…) or in plugins.toml, in
    that order of precedence.
    """
    context.obj = config


for command in (
    serve, transcribe, jobs, models, pull, rm, verify, prune, du, load, unload, reload, ps, plugins,
    new_backend, hash_files,
):  # fmt: skip
    cli.add_command(command)


def main() -> None:
    """Run the command line; errors meant for people are shown as one line."""
    logging.captureWarnings(True)
    try:
        cli(standalone_mode=False)
    except GovorError as error:
        say(f"govor: {error}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:  # as in `govor transcribe … | head`
        leave(1)
