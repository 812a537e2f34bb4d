"""Files that `govor transcribe` writes: none is lost to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from govor.cli.outputs import NotWritten, Outputs, Style
from govor.formats.layout import Layout
from govor.types import Options, Segment, Transcript

STYLE = Style(Options(), words=False, times=False, layout=Layout())


def test_a_text_that_has_come_since_the_names_were_chosen_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ru.txt"
    path.write_text("by hand")
    with pytest.raises(NotWritten, match=r"ru\.txt is there already; --force overwrites it\."):
        Outputs([("txt", path)], STYLE, force=False)
    assert path.read_text() == "by hand"


def test_with_force_a_text_that_is_there_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "ru.txt"
    path.write_text("by hand, and rather longer")
    with Outputs([("txt", path)], STYLE, force=True) as outputs:
        outputs.add(Segment("Раз.", 0.0, 1.0))
        outputs.end(Transcript("Раз.", (Segment("Раз.", 0.0, 1.0),), 1.0, "ru", "transcribe", "fake"))
    assert path.read_text() == "Раз.\n"


def test_two_recordings_with_one_name_for_their_texts_are_refused(shell: Any) -> None:
    for name in ("a.wav", "a.verbose_json.wav"):
        (shell.folder / name).touch()
    result = shell.run("transcribe", "a.wav", "a.verbose_json.wav", "-f", "json,verbose_json", "-o", "to")
    assert (result.returncode, result.stderr) == (
        1,
        "govor: to/a.verbose_json.json would be a text of both a.wav and a.verbose_json.wav; "
        "write them to two folders.\n",
    )
    assert not (shell.folder / "to").exists()
