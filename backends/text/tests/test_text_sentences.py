"""Sentences of both languages: a number is right, or it stays in words."""

from pathlib import Path

import pytest

import govor

SENTENCES = [
    (language, *line.split(" | "))
    for language in ("ru", "en")
    for line in (Path(__file__).parent / f"{language}.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


def test_there_are_enough_sentences():
    assert len(SENTENCES) >= 150


@pytest.mark.parametrize(("language", "spoken", "written"), SENTENCES)
def test_a_sentence_is_written_as_a_careful_writer_would(write, language, spoken, written):
    assert write(govor.Segment(spoken), language).text.replace("\u00a0", " ") == written
