"""The command `govor`: serve, transcribe, models on disk and in memory, plugins, and commands of plugins.

A command is imported when it runs: `govor --version` must not wait for the imports of a web server.

Exit codes: 0 success; 1 failure, with a message on stderr; 2 wrong command line; 130 interrupted.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

from govor import __version__
from govor.cli.group import Commands, CoreCommand
from govor.cli.terminal.exit import exit_now
from govor.cli.terminal.streams import prepare_streams
from govor.errors import GovorError

CORE = {
    "du": CoreCommand("models.manage", "du", "Report the space that models take on the disk."),
    "hash": CoreCommand(
        "hash", "hash_files", "Print size and sha256 of files for a backend's list of models."
    ),
    "jobs": CoreCommand("jobs", "jobs", "List a server's jobs; submit, show, cancel."),
    "load": CoreCommand("client.memory", "load", "Load models into a running server's memory."),
    "models": CoreCommand("models.listing", "models", "List the models that can answer."),
    "new-backend": CoreCommand(
        "backends.new_backend", "new_backend", "Write the package of a backend of your own."
    ),
    "plugins": CoreCommand("plugins", "plugins", "List the plugins: ready, disabled or failed."),
    "prune": CoreCommand("models.manage", "prune", "Delete files that no model needs."),
    "ps": CoreCommand("client.memory", "ps", "Show the models in a running server's memory."),
    "pull": CoreCommand("models.manage", "pull", "Fetch models, so that they can answer."),
    "reload": CoreCommand("client.memory", "reload", "Load models again while the old ones answer."),
    "rm": CoreCommand("models.manage", "rm", "Delete models' files."),
    "serve": CoreCommand("serve.command", "serve", "Serve the OpenAI audio API over HTTP until interrupted."),
    "test-backend": CoreCommand(
        "backends.test_backend", "test_backend", "Try an installed backend: its suite, and a recording."
    ),
    "transcribe": CoreCommand(
        "transcribe.command", "transcribe", "Transcribe FILES and print the text, or write it to --output."
    ),
    "unload": CoreCommand("client.memory", "unload", "Unload models from a running server's memory."),
    "verify": CoreCommand("models.manage", "verify", "Hash models' files again."),
}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="govor")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    is_eager=True,  # must be known before --help lists the commands of plugins
    help="Configuration file. [env: GOVOR_CONFIG; default: ./plugins.toml, if there is one]",
)
@click.pass_context
def cli(context: click.Context, config: Path | None) -> None:
    """Speech to text: a server for many models behind the OpenAI audio API, and the same at the terminal.

    Every setting can be given on the command line, in the environment (GOVOR_…) or in plugins.toml, in
    that order of precedence.
    """
    context.obj = config


cli.core = CORE


def main() -> None:
    """Run the command line; print each GovorError as one line."""
    prepare_streams()
    logging.captureWarnings(True)
    try:
        cli(standalone_mode=False)
    except GovorError as error:
        from govor.cli.terminal.say import say

        say(f"govor: {error}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:  # as in `govor transcribe … | head`
        exit_now(1)
