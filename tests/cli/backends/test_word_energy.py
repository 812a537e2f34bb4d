"""The times of words are compared with the energy of the sound."""

from __future__ import annotations

import numpy as np
import pytest

from govor.cli.backends.word_energy import share_on_sound
from govor.contract.results import Word
from govor.testing import hum, silence

SPOKEN = np.concatenate([silence(1.0), hum(0.5), silence(1.0), hum(0.5), silence(1.0)])
"""Sound from 1 to 1.5 s and from 2.5 to 3 s."""


@pytest.mark.parametrize(
    ("spans", "share"),
    [
        ([(1.0, 1.5), (2.5, 3.0)], 1.0),
        ([(1.05, 1.4), (2.6, 2.9)], 1.0),
        ([(1.6, 2.1), (2.5, 3.0)], 0.5),
        ([(0.2, 0.7), (3.2, 3.7)], 0.0),
        ([(1.5, 1.5), (9.0, 9.5)], 0.0),
    ],
)
def test_a_word_counts_while_there_is_sound(spans: list[tuple[float, float]], share: float) -> None:
    assert share_on_sound([Word("word", *span) for span in spans], SPOKEN) == share


def test_words_in_speech_without_pauses_all_count() -> None:
    words = [Word("word", start, start + 0.3) for start in np.arange(0.1, 4.5, 0.3)]
    assert share_on_sound(words, hum(5.0)) == 1.0


def test_without_words_nothing_can_be_said() -> None:
    assert share_on_sound([], SPOKEN) is None
