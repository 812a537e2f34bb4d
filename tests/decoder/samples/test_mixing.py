"""Recordings of several channels: one of them alone, or all mixed down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.contract.audio import Audio
from govor.decoder.wire import TrackSelection
from govor.errors import InvalidAudio
from support.sound import media

Write = Callable[[bytes], Path]
Hear = Callable[..., Audio]

FIVE_ONE = 0x3F


@pytest.fixture
def hear(decoders: Decoders, write: Write) -> Hear:
    """Decode a recording, whole."""

    def hear(content: bytes, **selection: object) -> Audio:
        with Recording(write(content), decoders, TrackSelection(**selection)) as recording:
            return np.concatenate([np.zeros(0, np.float32), *recording.blocks()])

    return hear


@pytest.fixture
def names(decoders: Decoders, write: Write) -> Callable[[bytes], tuple[str, ...]]:
    """Return the names of a recording's channels."""

    def names(content: bytes) -> tuple[str, ...]:
        with Recording(write(content), decoders) as recording:
            return recording.channels

    return names


def in_turns(count: int) -> np.ndarray:
    """Return (channels, samples) with a tone of 0.1 s in one channel after the other."""
    channels = np.zeros((count, count * 1600), np.float32)
    for channel in range(count):
        channels[channel, channel * 1600 : (channel + 1) * 1600] = media.tone(0.1)
    return channels


def turns(audio: Audio, count: int) -> list[float]:
    """Return the loudness of each channel's tone in the result."""
    return [float(audio[at + 200 : at + 1400].std()) for at in range(0, count * 1600, 1600)]


def tones(*frequencies: float, seconds: float = 1.0) -> np.ndarray:
    return np.stack([media.tone(seconds, hertz) for hertz in frequencies])


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_channel_alone_is_bit_for_bit_what_a_recording_of_it_would_be(
    channel: int, rate: int, hear: Hear
) -> None:
    channels = tones(300, 500, 700)
    alone = hear(media.channels_wav(channels[channel : channel + 1], rate))
    np.testing.assert_array_equal(hear(media.channels_wav(channels, rate), channel=channel), alone)


@pytest.mark.parametrize(
    ("container", "codec"), [("flac", "flac"), ("ogg", "libopus"), ("mp4", "aac"), ("matroska", "pcm_s24le")]
)
def test_a_channel_can_be_decoded_alone_in_any_container(container: str, codec: str, hear: Hear) -> None:
    content = media.encode_channels(tones(300, 700), 48_000, container, codec, "stereo")
    for channel, hertz in enumerate((300, 700)):
        heard = hear(content, channel=channel)[4000:12_000]
        spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
        assert np.argmax(spectrum) * 2 == pytest.approx(hertz, abs=4)


@pytest.mark.parametrize(
    ("count", "channel", "why"),
    [
        (1, 1, "one channel, number 0; channel 1 is not among them"),
        (2, 7, "2 channels, numbers 0 to 1; channel 7 is not among them"),
    ],
)
def test_a_channel_that_is_not_there_is_refused_with_those_that_are(
    count: int, channel: int, why: str, hear: Hear
) -> None:
    with pytest.raises(InvalidAudio, match=why):
        hear(media.channels_wav(tones(*[300] * count)), channel=channel)


def test_where_the_channel_is_missing_for_a_while_it_is_silent_for_as_long(hear: Hear) -> None:
    parts = [
        media.encode_channels(np.stack([media.tone(2)] * count), 44_100, "mp3", "libmp3lame", layout)
        for count, layout in ((2, "stereo"), (1, "mono"), (2, "stereo"))
    ]
    heard = hear(b"".join(parts), channel=1)
    assert len(heard) == pytest.approx(6 * 16_000, abs=5000)
    assert [np.abs(heard[at : at + 8000]).max() > 0.1 for at in (8_000, 44_000, 80_000)] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (media.channels_wav(tones(300)), ("mono",)),
        (media.channels_wav(tones(300, 300)), ("left", "right")),
        (
            media.channels_wav(tones(*[300] * 6), mask=FIVE_ONE),
            ("left", "right", "centre", "low frequency", "back left", "back right"),
        ),
        (media.channels_wav(tones(*[300] * 4)), ("1", "2", "3", "4")),
        (media.channels_wav(tones(*[300] * 4), mask=0), ("1", "2", "3", "4")),
    ],
    ids=["mono", "stereo", "5.1", "without a layout", "with an empty layout"],
)
def test_channels_have_the_names_of_their_layout_or_numbers(
    content: bytes, expected: tuple[str, ...], names: Callable[[bytes], tuple[str, ...]]
) -> None:
    assert names(content) == expected


def test_more_channels_than_can_be_converted_are_refused(hear: Hear) -> None:
    with pytest.raises(InvalidAudio, match="65 channels; the most is 64"):
        hear(media.channels_wav(tones(*[300] * 65, seconds=0.1)))


@pytest.mark.parametrize("selection", [{"track": "x" * 201}, {"language": "x" * 201}, {"channel": -1}])
def test_selections_that_no_recording_can_fulfil_are_refused(selection: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"at most 200|from 0"):
        TrackSelection(**selection)


@pytest.mark.parametrize("count", [*range(1, 25), 30, 32, 36, 48, 64])
def test_without_a_layout_every_channel_counts_alike(count: int, hear: Hear) -> None:
    loud = turns(hear(media.channels_wav(in_turns(count))), count)
    assert loud == pytest.approx([media.tone(0.1).std() / count] * count, rel=0.05)


UNLABELLED = [
    *[(container, "pcm_s16le", {}) for container in ("wav", "w64", "matroska", "mov", "nut")],
    *[(container, "pcm_s16be", {}) for container in ("aiff", "caf", "au")],
    ("matroska", "pcm_f32le", {}),
    ("ogg", "libopus", {"mapping_family": "255"}),
    ("matroska", "libopus", {"mapping_family": "255"}),
]


@pytest.mark.parametrize(("container", "codec", "options"), UNLABELLED)
@pytest.mark.parametrize("count", [3, 6, 12])
def test_no_layout_is_guessed_in_any_container(
    count: int, container: str, codec: str, options: dict[str, str], hear: Hear
) -> None:
    content = media.encode_channels(in_turns(count), 48_000, container, codec, f"{count} channels", **options)
    loud = turns(hear(content), count)
    assert loud == pytest.approx([media.tone(0.1).std() / count] * count, rel=0.15)


def test_an_empty_mask_of_channels_is_no_layout(hear: Hear) -> None:
    loud = turns(hear(media.channels_wav(in_turns(6), mask=0)), 6)
    assert loud == pytest.approx([loud[0]] * 6, rel=0.01)


@pytest.mark.parametrize("mask", [0x30, 0x8 | 0x40000, 0x5000, 0x3F000, 0x2D000, 0x63F, 0x2D63F])
def test_channels_in_odd_places_are_mixed(mask: int, hear: Hear) -> None:
    count = mask.bit_count()
    heard = hear(media.channels_wav(np.stack([media.tone(1)] * count), mask=mask))
    assert heard.std() > 0.1


@pytest.mark.parametrize(
    ("layout", "count"),
    [
        ("stereo", 2),
        ("2.1", 3),
        ("quad", 4),
        ("5.0", 5),
        ("5.1", 6),
        ("5.1(side)", 6),
        ("7.1", 8),
        ("5.1.2", 8),
    ],
)
def test_a_layout_that_is_stated_is_mixed_as_ffmpeg_mixes_it(layout: str, count: int, hear: Hear) -> None:
    channels = np.stack([media.tone(1, 200 + 70 * number) for number in range(count)])
    content = media.channels_wav(channels, 48_000, mask=media.mask_of(layout))
    np.testing.assert_array_equal(hear(content), media.resampled(channels, 48_000, layout))
