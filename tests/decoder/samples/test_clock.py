"""The recording's own clock: silence replaces missing sound, and is nowhere else."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.contract.audio import SAMPLE_RATE, Audio
from govor.decoder.process.confinement import Limits
from govor.decoder.samples.clock import FREE_SILENCE, MOST_HOLE, MOST_SILENCE, SILENCE_PER_BYTE, Clock, silent
from govor.errors import InvalidAudio
from support.sound import media

Write = Callable[[bytes], Path]
Decode = Callable[[bytes], Audio]

CONTAINERS = [
    ("matroska", "aac"),
    ("matroska", "libopus"),
    ("webm", "libopus"),
    ("mp4", "aac"),
    ("mov", "aac"),
    ("mpegts", "aac"),
    ("mpegts", "mp2"),
    ("mpeg", "mp2"),
    ("flv", "aac"),
    ("asf", "mp2"),
    ("nut", "aac"),
]
SOUND_ALONE = [("ogg", "libopus"), *CONTAINERS]
FRAME = {"aac": 1024 / 48_000, "mp2": 1152 / 48_000, "libopus": 0.02}


@cache
def tones(container: str, codec: str, *, picture: bool = False) -> bytes:
    """Return three seconds of 400 Hz and three of 1000."""
    sound = np.concatenate([media.tone(3, 400), media.tone(3, 1000)])
    return media.encode([sound], 48_000, container, codec, picture=picture)


def unchanged(number: int, packet: av.Packet) -> bytes:
    return bytes(packet)


def change_of_tone(audio: Audio) -> float:
    """Return the seconds to the start of 1000 Hz."""
    parts = audio[: len(audio) // 160 * 160].reshape(-1, 160)  # one and ten waves in each hundredth
    spectrum = np.abs(np.fft.rfft(parts))
    return float(np.argmax(spectrum[:, 10] > 10)) / 100


def test_a_track_that_begins_late_keeps_its_times_in_every_container(
    decode: Decode,
) -> None:
    found = {}
    for container, codec in CONTAINERS:
        if container == "flv":  # accepts no picture that can be made here
            continue
        content = tones(container, codec, picture=container != "webm")
        late = media.altered(content, container, lambda _, packet: media.move(packet, 4.84))
        audio = decode(late)
        found[container, codec] = change_of_tone(audio) - change_of_tone(decode(content))
        assert not audio[: 4 * SAMPLE_RATE].any()
    assert found == pytest.approx(dict.fromkeys(found, 4.84), abs=0.03)


@pytest.mark.parametrize(("container", "codec"), SOUND_ALONE)
def test_missing_packets_leave_silence_of_their_length(container: str, codec: str, decode: Decode) -> None:
    whole = tones(container, codec)
    first, last = round(1 / FRAME[codec]), round(2.5 / FRAME[codec])
    gone = media.altered(whole, container, lambda n, packet: None if first < n < last else bytes(packet))
    audio, original = decode(gone), decode(whole)
    assert len(audio) == pytest.approx(len(original), abs=0.02 * SAMPLE_RATE)
    assert change_of_tone(audio) == pytest.approx(change_of_tone(original), abs=0.02)
    assert not audio[round(1.2 * SAMPLE_RATE) : round(2.3 * SAMPLE_RATE)].any()


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts", "flv"])
def test_packets_that_cannot_be_decoded_leave_silence_of_their_length(container: str, decode: Decode) -> None:
    whole = tones(container, "aac")
    bad = media.altered(
        whole, container, lambda n, packet: b"\xff" * packet.size if n % 10 == 7 else bytes(packet)
    )
    audio, original = decode(bad), decode(whole)
    assert len(audio) == pytest.approx(len(original), abs=0.05 * SAMPLE_RATE)
    assert change_of_tone(audio) == pytest.approx(change_of_tone(original), abs=0.03)


@pytest.mark.parametrize("seconds", [5.0, 0.015, 0.002])
def test_a_track_of_sound_alone_may_begin_late(seconds: float, decode: Decode) -> None:
    whole = media.altered(tones("matroska", "libopus"), "matroska", unchanged)
    late = media.altered(whole, "matroska", lambda _, packet: media.move(packet, seconds))
    filled = len(decode(late)) - len(decode(whole))
    assert filled == pytest.approx(seconds * SAMPLE_RATE if seconds > 1 else 0, abs=200 if seconds > 1 else 0)


@pytest.mark.parametrize("container", ["mp4", "matroska", "webm", "mpegts"])
def test_a_piece_of_a_stream_begins_with_its_first_packet(container: str, decode: Decode) -> None:
    whole = tones(container, "libopus" if container == "webm" else "aac")
    piece = media.altered(whole, container, lambda _, packet: media.move(packet, 1800.0))
    assert len(decode(piece)) == pytest.approx(len(decode(whole)), abs=0.1 * SAMPLE_RATE)


CROOKED: dict[str, media.Change] = {
    "less than a frame": lambda n, packet: media.move(packet, 0.006 * (n % 3)),
    "one packet late": lambda n, packet: media.move(packet, 0.019 if n % 50 == 20 else 0.0),
    "hours forward": lambda n, packet: media.move(packet, 25 * 3600.0 if n > 100 else 0.0),
    "slowly": lambda n, packet: media.move(packet, 0.001 * n),
}


@pytest.mark.parametrize("crooked", CROOKED)
def test_a_clock_that_jitters_drifts_or_is_set_changes_no_sample(crooked: str, decode: Decode) -> None:
    whole = media.altered(tones("matroska", "libopus"), "matroska", unchanged)
    other = media.altered(whole, "matroska", CROOKED[crooked])
    np.testing.assert_array_equal(decode(other), decode(whole))


def test_a_clock_that_begins_anew_changes_no_sample(decode: Decode) -> None:
    whole = tones("webm", "libopus")
    audio = decode(whole + whole)
    np.testing.assert_array_equal(audio[: 5 * SAMPLE_RATE], decode(whole)[: 5 * SAMPLE_RATE])
    assert len(audio) == pytest.approx(12 * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)


def test_a_hole_after_a_clock_that_was_set_keeps_its_length(decode: Decode) -> None:
    def hours_and_hole(number: int, packet: av.Packet) -> bytes:
        return media.move(packet, (25 * 3600.0 if number > 50 else 0.0) + (1.5 if number > 100 else 0.0))

    whole = media.altered(tones("matroska", "libopus"), "matroska", unchanged)
    longer = len(decode(media.altered(whole, "matroska", hours_and_hole))) - len(decode(whole))
    assert longer == pytest.approx(1.5 * SAMPLE_RATE, abs=0.002 * SAMPLE_RATE)


def holes(seconds: float, packets: int = 50) -> bytes:
    """Return so many packets of 20 ms, each of them so late after the one before."""
    sound = media.encode([media.tone(packets / 50)], 48_000, "matroska", "libopus")
    return media.altered(sound, "matroska", lambda n, packet: media.move(packet, n * seconds))


def test_a_small_file_makes_no_hours_of_silence(decode: Decode) -> None:
    content = holes(200.0, packets=10)
    assert len(decode(content)) / SAMPLE_RATE < 1 + FREE_SILENCE + len(content) * SILENCE_PER_BYTE < 1200


def test_holes_without_end_are_bounded_in_all(sample_frame: av.AudioFrame) -> None:
    with av.open(_file(tones("matroska", "libopus"))) as container:
        clock = Clock(1 << 30)
        clock.begin(container)
        for number in range(10_000):
            sample_frame.pts = number * 60 * 48_000
            clock.hole(sample_frame, 0.0, None)
    assert MOST_SILENCE - MOST_HOLE < clock.filled <= MOST_SILENCE


@pytest.fixture
def sample_frame() -> av.AudioFrame:
    frame = av.AudioFrame("fltp", "mono", 960)
    frame.sample_rate = 48_000
    frame.time_base = Fraction(1, 48_000)
    return frame


def _file(content: bytes) -> io.BytesIO:
    return io.BytesIO(content)


def test_silence_in_the_place_of_sound_earns_little_computing_time(write: Write) -> None:
    stingy = Limits(cpu_seconds=0.2, cpu_per_megabyte=0.0, cpu_per_second=0.1, cpu_per_silent_second=0.0)
    with (
        closing(Decoders(stingy)) as decoders,
        pytest.raises(InvalidAudio, match="computing time"),  # of a slow machine, the opening has used it up
        Recording(write(holes(100.0)), decoders) as recording,
    ):
        sum(len(block) for block in recording.blocks())


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1(side)", "7.1", "9 channels", "64 channels"])
@pytest.mark.parametrize("form", ["fltp", "flt", "u8p", "s16"])
def test_silence_can_have_any_number_of_channels(form: str, layout: str) -> None:
    like = av.AudioFrame(form, layout, 10)
    like.sample_rate = 48_000
    frames = list(silent(like, 0.5))
    assert sum(frame.samples for frame in frames) == 24_000
    assert {(frame.format.name, frame.layout.name) for frame in frames} == {(form, layout)}
    resampler = av.AudioResampler("s16", "mono", 16_000) if like.layout.nb_channels <= 8 else None
    out = [each for frame in frames for each in resampler.resample(frame)] if resampler else []
    assert all(not each.to_ndarray().any() for each in out)


def test_silence_has_no_layout_that_lists_its_channels() -> None:
    like = av.AudioFrame("s16", "2 channels", 10)
    like.sample_rate = 16_000
    odd = SimpleNamespace(sample_rate=16_000, format=like.format, layout=av.AudioLayout("2 channels (FL+FC)"))
    (frame,) = silent(odd, 0.1)
    assert (frame.layout.name, frame.samples) == ("2 channels", 1600)
