"""Notices: each part of a recording that was not decoded is reported, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.contract.results import Notice
from support.sound import media

Write = Callable[[bytes], Path]
Told = Callable[[bytes], tuple[Notice, ...]]


@pytest.fixture
def told(decoders: Decoders, write: Write) -> Told:
    def told(content: bytes) -> tuple[Notice, ...]:
        with Recording(write(content), decoders) as recording:
            for _ in recording.blocks():
                pass
            return recording.notices

    return told


@cache
def tone(container: str, codec: str) -> bytes:
    return media.encode([media.tone(6)], 48_000, container, codec)


WHOLE = [
    ("wav", "pcm_s16le"), ("mp3", "libmp3lame"), ("flac", "flac"), ("ogg", "libopus"), ("webm", "libopus"),
    ("mp4", "aac"), ("mov", "aac"), ("mpegts", "aac"), ("adts", "aac"), ("avi", "libmp3lame"), ("flv", "aac"),
]  # fmt: skip


@pytest.mark.parametrize(("container", "codec"), WHOLE)
def test_a_whole_recording_has_no_notice(container: str, codec: str, told: Told) -> None:
    assert told(tone(container, codec)) == ()


def test_a_track_that_begins_late_has_no_notice(told: Told) -> None:
    late = media.altered(tone("mp4", "aac"), "mp4", lambda _, packet: media.move(packet, 4.0))
    assert told(late) == ()


def test_a_tag_after_the_samples_has_no_notice(told: Told) -> None:
    assert told(tone("wav", "pcm_s16le") + b"id3 \x10\0\0\0ID3\x03\0\0\0\0\0\x06abcdef") == ()


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_packets_that_cannot_be_decoded_are_reported(container: str, told: Told) -> None:
    bad = media.altered(
        tone(container, "aac"),
        container,
        lambda n, packet: b"\xff" * packet.size if 100 <= n < 150 else bytes(packet),
    )
    (notice,) = told(bad)
    assert (notice.code, notice.start, notice.end) == (
        "damaged",
        pytest.approx(100 * 1024 / 48_000, abs=0.1),
        pytest.approx(150 * 1024 / 48_000, abs=0.1),
    )
    assert "could not be decoded" in notice.message


def test_missing_packets_are_reported_once(told: Told) -> None:
    gaps = media.altered(
        tone("webm", "libopus"),
        "webm",
        lambda n, packet: None if 50 <= n < 100 or 150 <= n < 180 else bytes(packet),
    )
    (notice,) = told(gaps)
    assert notice == Notice(
        "missing", "1.6 s between 1.0 s and 3.6 s are missing in the file.", notice.start, notice.end
    )
    assert (notice.start, notice.end) == (pytest.approx(1, abs=0.03), pytest.approx(3.6, abs=0.03))


@pytest.mark.parametrize("container", ["flac", "matroska"])
def test_a_file_that_is_cut_off_is_reported(container: str, told: Told) -> None:
    whole = tone(container, {"flac": "flac"}.get(container, "aac"))
    (notice,) = told(whole[: len(whole) // 4])
    assert notice.code == "cut_off"
    assert notice.start is not None
    assert 0.5 < notice.start < 2.5
    assert notice.end == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize("tags", [None, [{"DURATION": "none"}, {}]])
def test_a_track_that_is_shorter_than_another_is_no_cut(
    tags: list[dict[str, str]] | None, told: Told
) -> None:
    notices = told(media.tracks_of([media.tone(6), media.tone(20)], tags=tags))
    assert [notice.code for notice in notices] == ["other_tracks"]


def test_a_cut_off_track_beside_another_is_reported(told: Told) -> None:
    whole = media.tracks_of([media.tone(6), media.tone(6)])
    notices = {notice.code: notice for notice in told(whole[: len(whole) // 2])}
    assert notices["cut_off"].end == pytest.approx(6, abs=0.1)


def test_a_header_that_was_written_before_the_end_was_known_is_no_cut(told: Told) -> None:
    whole = media.wav(media.tone(3))
    assert told(whole[:40] + b"\xff\xff\xff\x7f" + whole[44:]) == ()


def test_a_length_of_two_gigabytes_is_no_cut_in_aiff(told: Told) -> None:
    whole = bytearray(media.encode([media.tone(3)], 16_000, "aiff", "pcm_s16be"))
    frames = whole.index(b"COMM") + 10
    whole[frames : frames + 4] = (0x7F00_0000 // 2).to_bytes(4, "big")  # as SoX writes it into a pipe
    size = whole.index(b"SSND") + 4
    whole[size : size + 4] = (0x7F00_0000 + 8).to_bytes(4, "big")
    assert told(bytes(whole)) == ()


def test_another_recording_that_cannot_be_opened_is_reported(told: Told) -> None:
    rubbish = np.random.default_rng(0).bytes(2000)
    (notice,) = told(tone("wav", "pcm_s16le") + b"RIFF\0\x01\0\0WAVEfmt " + rubbish)
    assert (notice.code, notice.start, notice.end) == ("unheard", 6, None)
