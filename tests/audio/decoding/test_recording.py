"""Any container and codec is decoded to the samples that faster-whisper would get, in constant memory."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.contract.audio import SAMPLE_RATE, Audio
from govor.errors import InvalidAudio
from govor.testing import silence
from support.sound import hostile, media
from support.waiting import eventually

Write = Callable[[bytes], Path]

FORMATS = [
    ("wav", "pcm_s16le", 44_100),
    ("wav", "pcm_s24le", 48_000),
    ("wav", "pcm_f32le", 44_100),
    ("wav", "pcm_alaw", 8_000),
    ("wav", "pcm_mulaw", 8_000),
    ("wav", "adpcm_ms", 22_050),
    ("w64", "pcm_s16le", 44_100),
    ("aiff", "pcm_s16be", 44_100),
    ("caf", "pcm_s16le", 44_100),
    ("au", "pcm_s16be", 8_000),
    ("flac", "flac", 44_100),
    ("ogg", "libopus", 48_000),
    ("webm", "libopus", 48_000),
    ("matroska", "pcm_s16le", 44_100),
    ("mp3", "libmp3lame", 44_100),
    ("mp2", "mp2", 44_100),
    ("adts", "aac", 44_100),
    ("ipod", "aac", 44_100),
    ("ipod", "alac", 44_100),
    ("mp4", "aac", 44_100),
    ("mov", "pcm_s16le", 44_100),
    ("3gp", "libopencore_amrnb", 8_000),
    ("amr", "libopencore_amrnb", 8_000),
    ("avi", "libmp3lame", 44_100),
    ("flv", "aac", 44_100),
    ("mpegts", "aac", 44_100),
    ("mpeg", "mp2", 44_100),
    ("ac3", "ac3", 44_100),
    ("tta", "tta", 44_100),
    ("wv", "wavpack", 44_100),
]

LENGTHLESS = ("adts", "ac3")

AS_FASTER_WHISPER = [
    ("wav", "pcm_s16le", 16_000),
    ("wav", "pcm_alaw", 8_000),
    ("mp3", "libmp3lame", 44_100),
    ("flac", "flac", 44_100),
    ("ogg", "libopus", 48_000),
    ("webm", "libopus", 48_000),
    ("mp4", "aac", 44_100),
]


@cache
def encoded(container: str, codec: str, rate: int, sample: Path) -> bytes:
    """Return a sample recording in another format."""
    return media.encode([media.read_wav(sample)[0]], rate, container, codec)


def named(formats: list[tuple[str, str, int]]) -> list[pytest.ParameterSet]:
    return [pytest.param(*each, id=f"{each[1]} in {each[0]} at {each[2]}") for each in formats]


@pytest.fixture(scope="module")
def sample(samples: Path) -> Path:
    """12.7 s of English."""
    return samples / "en.wav"


@pytest.fixture(scope="module")
def speech(sample: Path) -> media.Samples:
    return media.read_wav(sample)[0]


Open = Callable[[Path], Recording]
Decode = Callable[[Path], Audio]


@pytest.fixture(scope="module")
def opened(decoders: Decoders) -> Open:
    """Open a recording."""
    return lambda path: Recording(path, decoders).open()


@pytest.fixture(scope="module")
def decode(opened: Open) -> Decode:
    """Decode a recording, whole."""

    def decode(path: Path) -> Audio:
        with opened(path) as recording:
            return np.concatenate(list(recording.blocks()))

    return decode


def loudness(audio: Audio) -> np.ndarray:
    """Return the root of the mean square of each 50 ms: the same for all encodings of the same speech."""
    whole = audio[: len(audio) // 800 * 800].reshape(-1, 800)
    return np.sqrt((whole**2).mean(axis=1))


def likeness(audio: Audio, original: Audio) -> float:
    """Return the correlation of loudness, over the length that both have."""
    length = min(len(audio), len(original))
    return float(np.corrcoef(loudness(audio[:length]), loudness(original[:length]))[0, 1])


def pitch(audio: Audio) -> float:
    """Return the strongest frequency, in Hz."""
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    return float(np.argmax(spectrum) * SAMPLE_RATE / len(audio))


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")


@pytest.mark.parametrize(("container", "codec", "rate"), named(FORMATS))
def test_every_container_and_codec_gives_the_speech(
    container: str, codec: str, rate: int, sample: Path, speech: media.Samples, write: Write, decode: Decode
) -> None:
    audio = decode(write(encoded(container, codec, rate, sample)))
    assert len(audio) == pytest.approx(len(speech), abs=0.1 * SAMPLE_RATE)
    assert likeness(audio, speech) > 0.85


@pytest.mark.parametrize(
    ("container", "codec", "rate"), named([each for each in FORMATS if each[0] not in LENGTHLESS])
)
def test_the_stated_duration_is_near_the_true_one(
    container: str, codec: str, rate: int, sample: Path, speech: media.Samples, write: Write, opened: Open
) -> None:
    with opened(write(encoded(container, codec, rate, sample))) as recording:
        assert recording.duration == pytest.approx(len(speech) / SAMPLE_RATE, rel=0.05)


@pytest.mark.parametrize("container", LENGTHLESS)
def test_a_format_that_states_no_length_is_not_guessed_at(container: str, write: Write, opened: Open) -> None:
    quiet_first = np.concatenate([silence(10), media.tone(5)])
    codec = {"adts": "aac"}.get(container, container)
    with opened(write(media.encode([quiet_first], 44_100, container, codec))) as recording:
        assert recording.duration is None


def test_a_recording_that_states_no_length_is_read_to_its_end(
    write: Write, sample: Path, speech: media.Samples, opened: Open
) -> None:
    content = media.without_length(encoded("webm", "libopus", 48_000, sample))
    with opened(write(content)) as recording:
        assert recording.duration is None
        audio = np.concatenate(list(recording.blocks()))
    assert likeness(audio, speech) > 0.85


@pytest.mark.parametrize(("container", "codec", "rate"), named(AS_FASTER_WHISPER))
def test_every_bit_is_that_of_faster_whisper(
    container: str, codec: str, rate: int, sample: Path, write: Write, decode: Decode
) -> None:
    theirs = pytest.importorskip("faster_whisper.audio").decode_audio
    path = write(encoded(container, codec, rate, sample))
    np.testing.assert_array_equal(decode(path), theirs(str(path)))


@pytest.mark.parametrize("name", ["jfk.flac", "ru_long.wav"])
def test_every_bit_of_a_real_recording_is_that_of_faster_whisper(
    name: str, recording: Callable[[str], Path], decode: Decode
) -> None:
    theirs = pytest.importorskip("faster_whisper.audio").decode_audio
    path = recording(name)
    np.testing.assert_array_equal(decode(path), theirs(str(path)))


def test_channels_are_mixed_into_one(write: Write, speech: media.Samples, decode: Decode) -> None:
    audio = decode(write(media.float_wav(speech, 16_000, 6)))
    assert len(audio) == len(speech)
    assert likeness(audio, speech) > 0.99


def test_the_name_is_not_looked_at(
    tmp_path: Path, sample: Path, speech: media.Samples, decode: Decode
) -> None:
    path = tmp_path / "concat.m3u8"
    path.write_bytes(encoded("flac", "flac", 44_100, sample))
    assert likeness(decode(path), speech) > 0.85


@pytest.mark.parametrize("seconds", [0.1, 1.0, 4.0, 100.0])
def test_blocks_have_the_size_that_is_asked_for_and_the_last_one_is_shorter(
    seconds: float, sample: Path, decode: Decode, opened: Open
) -> None:
    with opened(sample) as recording:
        blocks = list(recording.blocks(seconds))
    size = round(seconds * SAMPLE_RATE)
    assert {len(block) for block in blocks[:-1]} <= {size}
    assert 0 < len(blocks[-1]) <= size
    np.testing.assert_array_equal(np.concatenate(blocks), decode(sample))


def test_a_recording_of_whole_blocks_has_no_empty_one_at_its_end(write: Write, opened: Open) -> None:
    with opened(write(media.silence(2))) as recording:
        assert [len(block) for block in recording.blocks(0.5)] == [8_000] * 4


def test_blocks_are_mono_float32_and_cannot_be_written_to(sample: Path, opened: Open) -> None:
    with opened(sample) as recording:
        for block in recording.blocks():
            assert (block.dtype, block.ndim) == (np.float32, 1)
            assert np.abs(block).max() <= 1
            with pytest.raises(ValueError, match="read-only"):
                block[0] = 0


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    named([("mp3", "libmp3lame", 44_100), ("ogg", "libopus", 48_000), ("adts", "aac", 44_100)]),
)
def test_a_torn_file_is_read_as_far_as_it_goes(
    container: str, codec: str, rate: int, sample: Path, speech: media.Samples, write: Write, decode: Decode
) -> None:
    whole = encoded(container, codec, rate, sample)
    audio = decode(write(whole[: len(whole) // 2 + 37]))
    assert len(audio) == pytest.approx(len(speech) / 2, rel=0.1)
    assert likeness(audio, speech) > 0.85


def test_a_wav_that_is_shorter_than_its_header_says_is_read_as_far_as_it_goes(
    speech: media.Samples, write: Write, decode: Decode
) -> None:
    audio = decode(write(media.wav(speech)[: 44 + 2 * 50_000]))
    assert len(audio) == 50_000


def test_a_video_whose_index_is_lost_is_refused(sample: Path, write: Write, opened: Open) -> None:
    whole = encoded("mp4", "aac", 44_100, sample)
    with pytest.raises(InvalidAudio, match="an MP4 without its index"):
        opened(write(whole[: whole.index(b"moov") - 4]))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello world\n" * 1000, id="text"),
        pytest.param(np.random.default_rng(0).bytes(50_000), id="noise"),
        pytest.param(media.silence(0), id="a wav without frames"),
        pytest.param(media.silence(1)[:20] + b"\x34\x12" + media.silence(1)[22:], id="a codec nobody knows"),
        pytest.param(media.encode([], 44_100, "mp4", "aac", picture=True), id="a picture without sound"),
    ],
)
def test_a_file_without_sound_is_refused(content: bytes, write: Write, opened: Open) -> None:
    with pytest.raises(InvalidAudio) as caught:
        opened(write(content))
    assert caught.value.param == "file"


def damaged(content: bytes, begin: float, end: float) -> bytes:
    """Overwrite a part of the file, in fractions of its length, with noise."""
    first, last = (round(len(content) * fraction) for fraction in (begin, end))
    return content[:first] + np.random.default_rng(0).bytes(last - first) + content[last:]


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    named(
        [
            ("mp4", "aac", 44_100),
            ("mp3", "libmp3lame", 44_100),
            ("ogg", "libopus", 48_000),
            ("flac", "flac", 44_100),
        ]
    ),
)
def test_bad_packets_in_the_middle_are_left_out_and_the_rest_is_decoded(
    container: str, codec: str, rate: int, sample: Path, speech: media.Samples, write: Write, decode: Decode
) -> None:
    audio = decode(write(damaged(encoded(container, codec, rate, sample), 0.4, 0.55)))
    tail = 3 * SAMPLE_RATE
    lost = len(speech) - len(audio)
    assert lost < 0.4 * len(speech)
    shifts = range(-SAMPLE_RATE // 20, SAMPLE_RATE // 20, 100)  # a codec pads its last frame
    assert max(likeness(audio[-tail + shift :], speech[-tail:]) for shift in shifts) > 0.9


def test_the_lowest_rate_is_decoded_whole(write: Write, decode: Decode) -> None:
    content = hostile.riff((b"fmt ", hostile.wav_format(rate=1000)), (b"data", bytes(2 * 1000 * 300)))
    assert len(decode(write(content))) == pytest.approx(300 * SAMPLE_RATE, rel=0.01)


def test_a_sample_rate_that_changes_on_the_way_is_followed(write: Write, decode: Decode) -> None:
    rates = (44_100, 22_050, 16_000)
    audio = decode(
        write(b"".join(media.encode([media.tone(3)], rate, "mp3", "libmp3lame") for rate in rates))
    )
    assert len(audio) == pytest.approx(9 * SAMPLE_RATE, abs=0.3 * SAMPLE_RATE)
    for second in (1, 4, 7):
        assert pitch(audio[second * SAMPLE_RATE : (second + 1) * SAMPLE_RATE]) == pytest.approx(440, abs=2)


def test_recordings_chained_in_one_ogg_are_decoded_one_after_the_other(write: Write, decode: Decode) -> None:
    audio = decode(
        write(b"".join(media.encode([media.tone(2, f)], 48_000, "ogg", "libopus") for f in (300, 700)))
    )
    assert [round(pitch(part), -1) for part in np.split(audio[: 4 * SAMPLE_RATE], 2)] == [300, 700]


@linux
def test_a_recording_that_was_read_leaves_no_file_open(write: Write, opened: Open) -> None:
    path = write(media.silence(60))  # more than fits into a socket's buffer
    with opened(path) as recording:
        assert media.descriptors(path) == 1
        list(recording.blocks())
    assert eventually(lambda: media.descriptors(path) == 0)


@linux
def test_a_recording_that_is_closed_while_it_is_read_leaves_no_file_open(sample: Path, opened: Open) -> None:
    path = sample
    recording = opened(path)
    blocks = recording.blocks(1.0)
    next(blocks)
    recording.close()
    recording.close()
    assert eventually(lambda: media.descriptors(path) == 0)
    assert len(list(blocks)) <= 1  # decoded before the close


@linux
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"nonsense" * 1000, id="nonsense"),
        pytest.param(media.silence(0), id="a wav without frames"),
        pytest.param(media.encode([], 44_100, "mp4", "aac", picture=True), id="a picture without sound"),
        pytest.param(b"ffconcat version 1.0\nfile /etc/hostname", id="a script"),
    ],
)
def test_a_recording_that_is_refused_leaves_no_file_open(content: bytes, write: Write, opened: Open) -> None:
    path = write(content)
    with pytest.raises(InvalidAudio):
        opened(path)
    assert eventually(lambda: media.descriptors(path) == 0)


def test_another_thread_may_close_a_recording_that_is_being_read(tmp_path: Path, opened: Open) -> None:
    recording = opened(media.write_hours(tmp_path / "hours.wav", 10 * 3600))
    begun, lengths = threading.Event(), []

    def read() -> None:
        for block in recording.blocks(0.1):
            lengths.append(len(block))
            begun.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(10)
    recording.close()
    thread.join(10)
    assert not thread.is_alive()
    assert sum(lengths) < 10 * 3600 * SAMPLE_RATE


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port on loopback that must not be called."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        yield listening


def hls(address: str) -> str:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-VERSION:3\n#EXTINF:9.0,\n{address}\n#EXT-X-ENDLIST\n"


LURES = {
    "a script with an absolute path": "ffconcat version 1.0\nfile {path}\n",
    "a script with a relative path": "ffconcat version 1.0\nfile {name}\n",
    "a script with a file address": "ffconcat version 1.0\nfile 'file:{path}'\n",
    "a script with a web address": "ffconcat version 1.0\nfile {web}\n",
    "a playlist with a path": hls("{path}"),
    "a playlist with a relative path": hls("{name}"),
    "a playlist with a file address": hls("file://{path}"),
    "a playlist with a web address": hls("{web}"),
    "a playlist with joined files": hls("concat:{path}"),
    "a playlist of playlists": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{web}\n",
    "a playlist of another kind": "[Reference]\nRef1={web}\n",
    "a session description": (
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        "m=audio {port} RTP/AVP 0\r\n"
    ),
    "a redirection": "RTSPtext\r\nrtsp://127.0.0.1:{port}/x\r\n",
    "a manifest": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        '<AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>{web}</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>"
    ),
}


@pytest.mark.parametrize("lure", LURES.values(), ids=LURES)
def test_an_upload_cannot_reach_other_files_or_hosts(
    lure: str,
    listener: socket.socket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sample: Path,
    opened: Open,
) -> None:
    monkeypatch.chdir(tmp_path)  # so that relative paths could resolve
    secret = tmp_path / "secret.ts"
    secret.write_bytes(encoded("mpegts", "aac", 44_100, sample))
    port = listener.getsockname()[1]
    upload = tmp_path / "upload"
    web = f"http://127.0.0.1:{port}/secret.ts"
    upload.write_text(lure.format(path=secret, name=secret.name, web=web, port=port))
    with pytest.raises(InvalidAudio):
        opened(upload)
    with pytest.raises(BlockingIOError):  # nobody has called
        listener.accept()


@linux
def test_memory_does_not_grow_with_the_length(tmp_path: Path, opened: Open) -> None:
    with opened(media.write_hours(tmp_path / "half-an-hour.wav", 1800)) as recording:
        blocks = recording.blocks()
        for _ in range(15):
            next(blocks)
        after_a_minute = resident_bytes()
        total = 60 + sum(len(block) for block in blocks) / SAMPLE_RATE
        grown = resident_bytes() - after_a_minute
    assert total == 1800
    assert grown < 8e6


def test_silence_is_silence(write: Write, decode: Decode) -> None:
    np.testing.assert_array_equal(decode(write(media.silence(3))), silence(3))
