"""The command `govor export`. Light to import, for `govor --help`; it imports torch and onnx later."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from govor_gigaam_torch.export.writing import Precision

PRECISIONS = ("fp32", "fp16", "int8")
NEEDED = ("torch", "sentencepiece", "onnx", "onnxruntime")


def check_name(context: click.Context, option: click.Parameter, value: str) -> str:
    """Refuse names that cannot begin a file name; a dot would hide the precision after it."""
    if value and not value.replace("-", "_").isidentifier():
        raise click.BadParameter("take letters, digits, - and _.")
    return value


@click.command(short_help="Write a GigaAM checkpoint as ONNX files.")
@click.argument("checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--output",
    "-o",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files; made if need be. Keep each model in its own.",
)
@click.option(
    "--tokenizer",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="SentencePiece .model file of an e2e model; others have their letters in the checkpoint.",
)
@click.option(
    "--precision", type=click.Choice(PRECISIONS), default="fp32", show_default=True, help="See above."
)
@click.option("--name", default="", callback=check_name, help="Begins the files' names; default: as v3_ctc.")
@click.option("--force", is_flag=True, help="Overwrite files of the same names.")
def export(
    checkpoint: Path, folder: Path, tokenizer: Path | None, precision: Precision, name: str, force: bool
) -> None:
    """Write CHECKPOINT, published or fine-tuned, as ONNX files in the layout of the public exports.

    fp32 is for Govor's plugin gigaam-onnx, which makes a faster int8 of it by itself when it first loads it.

    fp16 stores the encoder's weights in half precision, for a file half as large, and computes in float32.
    Nothing is lost of a checkpoint that is in half precision itself, as those of v3 are.

    int8 is for other programs. It computes the products with weights in int8, which are signed and have a
    scale per column: onnxruntime takes 2.5 times as long with unsigned ones. Convolutions stay in float32,
    because those in int8 take longer.

    The files are compared with torch on two sounds before they get their names.
    """
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        raise click.ClickException(
            f"export needs packages that are not installed: pip install {' '.join(missing)} "
            "(the extra `export` of govor-gigaam-torch)"
        )
    from govor_gigaam_torch.export import writing

    try:
        exported = writing.export(
            checkpoint,
            folder,
            tokenizer=tokenizer,
            precision=precision,
            name=name,
            overwrite=force,
            tell=lambda step: click.echo(f"{step} …", err=True),
        )
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written to: {error.strerror or error}") from error
    for path in exported.files:
        click.echo(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    click.echo(f"Largest difference to torch: {exported.difference.largest:.2g} in a log-probability")
