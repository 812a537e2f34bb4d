"""The choice of a recording's audio track, and the errors if there is none."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from govor.audio.decoding.opening import tagged
from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.contract.audio import SAMPLE_RATE
from govor.decoder.wire import TrackSelection
from govor.errors import InvalidAudio
from support.sound import media

Write = Callable[[bytes], Path]
Pitch = Callable[..., int]

LOW, MIDDLE, HIGH = (media.tone(2, hertz) for hertz in (300, 500, 700))
SILENT, EMPTY = 0 * LOW, LOW[:0]


def pitch_of(recording: Recording) -> int:
    with recording:
        audio = np.concatenate([np.zeros(2, np.float32), *recording.blocks()])
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    return round(float(np.argmax(spectrum)) * SAMPLE_RATE / len(audio), -2)


@pytest.fixture
def pitch(decoders: Decoders, write: Write) -> Pitch:
    """Return the pitch of the decoded track."""

    def pitch(content: bytes, languages: list[str] | None = None, **selection: str) -> int:
        return pitch_of(
            Recording(write(content), decoders, tagged(TrackSelection(**selection), languages or []))
        )

    return pitch


def without_decoder(content: bytes, count: int = 1) -> bytes:
    """Return a recording whose first tracks are in an unknown codec."""
    for ours in (b"sowt", b"A_PCM/INT/LIT"):
        content = content.replace(ours, b"apac" if len(ours) == 4 else b"A_XYZ/INT/LIT", count)
    return content


@pytest.mark.parametrize("container", ["mov", "matroska"])
def test_a_track_without_a_decoder_is_skipped(container: str, pitch: Pitch) -> None:
    assert pitch(without_decoder(media.tracks_of([LOW, HIGH], container))) == 700


@pytest.mark.parametrize("container", ["mov", "matroska", "avi"])
@pytest.mark.parametrize("first", [SILENT, EMPTY], ids=["silent", "empty"])
def test_a_track_without_sound_is_not_taken_while_another_has_some(
    first: media.Samples, container: str, pitch: Pitch
) -> None:
    assert pitch(media.tracks_of([first, HIGH], container)) == 700
    assert pitch(media.tracks_of([first, first, HIGH], container)) == 700


def test_the_number_of_the_used_track_is_reported(decoders: Decoders, write: Write) -> None:
    with Recording(write(media.tracks_of([SILENT, HIGH], "matroska")), decoders) as recording:
        assert recording.track == 1


@pytest.mark.parametrize(("track", "told"), [("", ["other_tracks"]), ("0", [])])
def test_unused_tracks_are_reported_if_none_was_selected(
    track: str, told: list[str], decoders: Decoders, write: Write
) -> None:
    with Recording(
        write(media.tracks_of([LOW, HIGH], "matroska")), decoders, TrackSelection(track)
    ) as recording:
        for _ in recording.blocks():
            pass
    assert [notice.code for notice in recording.notices] == told
    if told:
        assert recording.notices[0].message.startswith("Of 2 audio tracks, 0 was used; 'track' selects ")


def test_the_default_track_goes_first(pitch: Pitch) -> None:
    assert pitch(media.tracks_of([LOW, MIDDLE, HIGH], default=1)) == 500


def test_a_default_track_that_begins_later_is_still_the_one(pitch: Pitch) -> None:
    late = np.concatenate([np.zeros(30 * SAMPLE_RATE, np.float32), LOW])
    assert pitch(media.tracks_of([late, np.resize(HIGH, len(late))])) == 300


def test_a_default_track_that_is_silent_for_long_is_not(pitch: Pitch) -> None:
    late = np.concatenate([np.zeros(70 * SAMPLE_RATE, np.float32), LOW])
    assert pitch(media.tracks_of([late, np.resize(HIGH, len(late))])) == 700


def test_another_track_that_speaks_late_is_found(pitch: Pitch) -> None:
    late = np.concatenate([np.zeros(200 * SAMPLE_RATE, np.float32), LOW])
    assert pitch(media.tracks_of([0 * late, late])) == 300


def test_a_click_is_no_sound(pitch: Pitch) -> None:
    click = np.concatenate([LOW[:160], SILENT[160:]])
    assert pitch(media.tracks_of([click, HIGH])) == 700


def test_a_recording_of_silent_tracks_is_silence(decoders: Decoders, write: Write) -> None:
    with Recording(write(media.tracks_of([SILENT, SILENT])), decoders) as recording:
        heard = np.concatenate(list(recording.blocks()))
    assert (len(heard), np.abs(heard).max()) == (len(SILENT), 0)


@pytest.mark.parametrize(
    ("tag", "languages"),
    [
        ("rus", ["ru"]),
        ("ru", ["ru"]),
        ("ru-RU", ["ru"]),
        ("ger", ["de"]),
        ("deu", ["de"]),
        ("rus", ["uk", "ru"]),
    ],
)
def test_the_track_of_the_wanted_language_goes_first(tag: str, languages: list[str], pitch: Pitch) -> None:
    content = media.tracks_of([LOW, HIGH], tags=[{"language": "eng"}, {"language": tag}])
    assert (pitch(content), pitch(content, languages)) == (300, 700)


def test_a_wanted_language_that_no_track_has_changes_nothing(pitch: Pitch) -> None:
    content = media.tracks_of([LOW, HIGH], tags=[{"language": "eng"}, {"language": "und"}])
    assert pitch(content, ["ru"]) == 300
    assert pitch(media.tracks_of([LOW, HIGH]), ["ru"]) == 300


def test_the_silent_track_of_the_wanted_language_is_not_taken(pitch: Pitch) -> None:
    content = media.tracks_of([LOW, SILENT], tags=[{"language": "eng"}, {"language": "rus"}])
    assert pitch(content, ["ru"]) == 300


TAGS = [{"language": "eng", "title": "Film"}, {"language": "rus", "title": "Дубляж"}, {"language": "rus"}]


@pytest.mark.parametrize(
    ("track", "hertz"),
    [
        ("0", 300),
        ("1", 500),
        (" 2 ", 700),
        ("film", 300),
        ("дубляж", 500),
        ("rus", 500),
        ("ru", 500),
        ("Russian", 500),
        ("en-US", 300),
    ],
)
def test_a_track_is_named_by_number_title_or_language(track: str, hertz: int, pitch: Pitch) -> None:
    assert pitch(media.tracks_of([LOW, MIDDLE, HIGH], tags=TAGS), track=track) == hertz


def test_a_track_that_is_named_goes_before_the_wanted_language(pitch: Pitch) -> None:
    assert pitch(media.tracks_of([LOW, MIDDLE, HIGH], tags=TAGS), ["ru"], track="0") == 300


def test_a_silent_track_that_is_named_is_used(pitch: Pitch) -> None:
    assert pitch(media.tracks_of([HIGH, SILENT]), track="1") == 0


LISTED = r"0 \(pcm_s16le, eng, 'Film'\), 1 \(pcm_s16le, rus, 'Дубляж'\), 2 \(pcm_s16le, rus\)"


@pytest.mark.parametrize("track", ["3", "-1", "deu", "Kommentar"])
def test_a_track_that_is_not_there_is_refused_with_those_that_are(track: str, pitch: Pitch) -> None:
    with pytest.raises(InvalidAudio, match=rf"No audio track is '{track}'; there are: {LISTED}\."):
        pitch(media.tracks_of([LOW, MIDDLE, HIGH], tags=TAGS), track=track)


ERRORS = [
    (
        without_decoder(media.tracks_of([LOW], "mov")),
        {},
        "The file's audio is in the codec 'apac', which is not read here",
    ),
    (
        without_decoder(media.tracks_of([LOW, HIGH], "mov"), 2),
        {},
        "None of the file's audio tracks is in a codec that is read here: 0 (apac), 1 (apac)",
    ),
    (
        without_decoder(media.tracks_of([LOW, HIGH], "mov")),
        {"track": "0"},
        "Audio track 0 is in the codec 'apac', which is not read here; there are: 0 (apac), 1 (pcm_s16le)",
    ),
    (
        media.tracks_of([EMPTY, HIGH]),
        {"track": "0"},
        "Audio track 0 holds no sound that can be decoded; there are: 0 (pcm_s16le), 1 (pcm_s16le)",
    ),
    (
        media.encode([], 44_100, "mp4", "aac", picture=True),
        {},
        "The file has no audio track; it holds: video (mpeg4)",
    ),
]


@pytest.mark.parametrize(("content", "selection", "why"), ERRORS, ids=[why[-40:] for _, _, why in ERRORS])
def test_an_error_names_what_the_file_holds_codec_by_codec(
    content: bytes, selection: dict[str, str], why: str, pitch: Pitch
) -> None:
    with pytest.raises(InvalidAudio, match=re.escape(why)):
        pitch(content, **selection)


@pytest.mark.parametrize("share", [0.1, 0.6, 0.9])
def test_an_mp4_that_was_cut_off_before_its_index_is_told_so(share: float, pitch: Pitch) -> None:
    whole = media.encode([LOW], 16_000, "mp4", "aac")
    with pytest.raises(InvalidAudio, match="an MP4 without its index"):
        pitch(whole[: int(share * whole.index(b"moov"))])


def test_the_last_of_64_tracks_is_found(pitch: Pitch) -> None:
    assert pitch(media.tracks_of([SILENT] * 63 + [HIGH])) == 700


def test_64_tracks_are_not_all_listed(pitch: Pitch) -> None:
    with pytest.raises(InvalidAudio, match=r"19 \(pcm_s16le\) and 44 more\.$"):
        pitch(media.tracks_of([LOW[:1600]] * 64), track="64")


def test_of_a_pipe_which_cannot_be_read_twice_the_best_track_is_used(
    decoders: Decoders, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = media.tracks_of([LOW, HIGH])

    def write() -> None:
        with suppress(BrokenPipeError):
            pipe.write_bytes(content)

    writer = threading.Thread(target=write)
    writer.start()
    assert pitch_of(Recording(pipe, decoders)) == 300
    writer.join(10)
