"""Accuracy of diarization, on conversations of speakers that were not used to choose thresholds."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("govor_diarizer", reason="govor-diarizer is not installed")

from diarization.conversations import RATE, REPORTED, TUNED_ON, converse
from diarization.error_rate import Span, error_rate, named_rightly
from diarization.evaluate import diarize, load, reported
from diarization.material import CLIPS, EMBEDDING, SAMPLE, find_package


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory):
    try:
        find_package(CLIPS), find_package(EMBEDDING)
    except FileNotFoundError:
        pytest.skip("the networks and recordings are not here; `make test` downloads them")
    loaded = load(tmp_path_factory.mktemp("diarizer"))
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def conversations(voices):
    """The first minute of each: the networks process every second four times, in windows of 10 s."""
    return dict(reported(60.0))


@pytest.mark.slow
def test_at_most_a_fifth_of_speech_is_wrong(voices, conversations) -> None:
    rates = [error_rate(talk.spans, diarize(voices, talk.audio, [])) for talk in conversations.values()]
    assert np.mean([rate.total for rate in rates]) <= 0.20


@pytest.mark.slow
def test_known_speakers_are_named_for_nine_tenths_of_speech(voices, conversations) -> None:
    shares = []
    for talk in conversations.values():
        names = list(talk.references)
        found = diarize(voices, talk.audio, list(talk.references.values()))
        named = [Span(span.start, span.end, dict(enumerate(names)).get(span.speaker, "")) for span in found]
        shares.append(named_rightly(talk.spans, named))
    assert np.mean(shares) >= 0.90


def test_no_speaker_is_in_both_halves() -> None:
    assert not set(TUNED_ON) & set(REPORTED)


def test_a_conversation_is_the_clips_at_the_times_it_states() -> None:
    clips = {
        name: [np.full(60 * RATE, value, np.float32)] for name, value in {"ann": 0.1, "ben": 0.2}.items()
    }
    talk = converse(clips, ("ann", "ben"), seed=1, seconds=40)
    assert {span.speaker for span in talk.spans} == {"ann", "ben"}
    for span in talk.spans:
        middle = (span.start + span.end) / 2
        value = {"ann": 0.1, "ben": 0.2}[span.speaker]
        if not any(other is not span and other.start < middle < other.end for other in talk.spans):
            assert talk.audio[round(middle * RATE)] == pytest.approx(value)
    assert max(span.end for span in talk.spans) < len(talk.audio) / RATE


@pytest.mark.parametrize(
    "spelling", ["pyannote.audio-3.3.2-py2.py3-none-any.whl", "pyannote_audio-3.3.2-py2.py3-none-any.whl"]
)
def test_a_package_is_found_however_pip_spells_its_name(tmp_path, spelling: str) -> None:
    (tmp_path / "speakerbox-1.1.3.tar.gz").touch()
    (tmp_path / spelling).touch()
    assert find_package(SAMPLE, tmp_path).name == spelling
    with pytest.raises(FileNotFoundError, match="solstone"):
        find_package(EMBEDDING, tmp_path)
