"""The effect of overlapping chunks on speech cut amid words, with the miniature."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from govor import Audio, Options, Recognizer
from govor.audio.chunking import Chunker, ChunkSizes, cut
from govor.audio.regions import SpeechRules
from govor.contract.audio import SAMPLE_RATE
from govor.engine.alignment.segment_times import place
from govor.engine.alignment.stitching import OverlapStitcher
from miniature.heldout import HeldOut
from miniature.scoring import edits

EDGE = 0.03  # kept around an utterance's words
WINDOW = 7.0  # short, so that there are many cuts
EVERYTHING = Options(words=True, logprobs=True)


class NoPause:
    """A detector for which all places are equally good for a cut."""

    frame = 512

    def stream(self) -> NoPause:
        return self

    def feed(self, audio: Audio) -> NDArray[np.float32]:
        return np.ones(len(audio) // self.frame, np.float32)


@pytest.fixture(scope="module")
def spoken(heldout: list[HeldOut]) -> tuple[str, Audio]:
    """The text, and the recordings without the silence around them, one directly after the other."""
    chosen = [one for one in heldout if one.kind == "trained"] * 2
    pieces = [
        one.samples()[
            round((one.words[0][0] - EDGE) * SAMPLE_RATE) : round((one.words[-1][1] + EDGE) * SAMPLE_RATE)
        ]
        for one in chosen
    ]
    return " ".join(one.plain for one in chosen), np.concatenate(pieces)


def hear(recognizer: Recognizer, audio: Audio, overlap: float) -> list[str]:
    cutter = Chunker(NoPause(), SpeechRules(), ChunkSizes(WINDOW, WINDOW, overlap=overlap))
    seams, found = OverlapStitcher(EVERYTHING), []
    for chunk in cut([audio], cutter):
        (segment,) = place(recognizer.transcribe([chunk.audio], EVERYTHING)[0][0], chunk, EVERYTHING)
        found += [each.segment for each in seams.add([segment], chunk.seam)]
    for one, other in pairwise(segment for segment in found if segment.text):
        assert one.end is not None
        assert other.start is not None
        assert one.end <= other.start
    return " ".join(segment.text for segment in found).split()


@pytest.mark.parametrize("head", ["v3_ctc", "v3_rnnt"])
def test_overlap_saves_the_words_that_a_cut_would_break(
    head: str, open_miniature: Callable[..., Recognizer], spoken: tuple[str, Audio]
) -> None:
    recognizer = open_miniature("onnx", head, "fp32")
    said, audio = spoken[0].split(), spoken[1]
    broken, whole = (edits(said, hear(recognizer, audio, overlap)) for overlap in (0.0, 1.5))
    assert whole <= 0.7 * broken
