"""Audio without a header: its declarations, and its decoding by them."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from govor.audio.decoding.headerless import give_header, has_container
from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.audio.decoding.sample_layouts import Layout, stated_layout
from govor.errors import InvalidParam, PayloadTooLarge
from support.sound import media


def curve(rate: int = 16_000) -> np.ndarray:
    """Return half a second of 440 Hz as (samples,) float32."""
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate)).astype(np.float32)


def heard(content: bytes, layout: Layout, decoders: Decoders, folder: Path) -> np.ndarray:
    """Return the decoded samples."""
    source, target = folder / "source", folder / "target"
    source.write_bytes(content)
    with target.open("wb") as into:
        assert give_header(source, layout, into)
    with Recording(target, decoders) as recording:
        return np.concatenate(list(recording.blocks()))


def encoded(samples: np.ndarray, codec: str) -> bytes:
    """Encode 16-bit samples as G.711, by FFmpeg."""
    context = av.CodecContext.create(codec, "w")
    context.sample_rate, context.layout, context.format = 8000, "mono", "s16"
    frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None], "s16", "mono")
    frame.sample_rate = 8000
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


@pytest.mark.parametrize(
    ("samples", "kind", "scale"),
    [
        *(("s16le", "<i2", 32767), ("s16be", ">i2", 32767), ("s32be", ">i4", 2**31 - 512)),
        *(
            ("f32le", "<f4", 1),
            ("f32be", ">f4", 1),
            ("f64be", ">f8", 1),
            ("s16", "<i2", 32767),
            ("s16", ">i2", 32767),
        ),
    ],
)
def test_samples_of_every_width_and_order_are_decoded(
    samples: str, kind: str, scale: float, decoders: Decoders, tmp_path: Path
) -> None:
    content = (curve() * scale).astype(kind).tobytes()
    assert np.allclose(heard(content, Layout(samples), decoders, tmp_path), curve(), atol=2e-4)


def test_24_bits_are_decoded(decoders: Decoders, tmp_path: Path) -> None:
    content = b"".join(struct.pack(">i", int(value * 2**31))[:3] for value in curve())
    assert np.allclose(heard(content, Layout("s24be"), decoders, tmp_path), curve(), atol=2e-4)


@pytest.mark.parametrize(("samples", "codec"), [("mulaw", "pcm_mulaw"), ("alaw", "pcm_alaw")])
def test_g711_is_decoded_at_8_khz(samples: str, codec: str, decoders: Decoders, tmp_path: Path) -> None:
    sound = heard(encoded(curve(8000), codec), Layout(samples, 8000), decoders, tmp_path)
    assert len(sound) == pytest.approx(8000, abs=100)
    assert np.corrcoef(sound[1000:7000], curve()[1000:7000])[0, 1] > 0.99


def test_channels_are_mixed_and_half_a_sample_at_the_end_is_left_out(
    decoders: Decoders, tmp_path: Path
) -> None:
    both = np.repeat((curve() * 32767).astype("<i2"), 2)
    sound = heard(both.tobytes() + b"\x01", Layout("s16le", 16_000, 2), decoders, tmp_path)
    assert np.allclose(sound, curve(), atol=2e-4)


def test_more_than_a_wav_file_can_hold_is_refused_and_not_cut(tmp_path: Path) -> None:
    source = tmp_path / "source"
    with source.open("wb") as file:
        file.truncate(2**32)  # a hole, which takes no room on the disk
    with (tmp_path / "target").open("wb") as into, pytest.raises(PayloadTooLarge, match=r"4\.3 GB.*FLAC"):
        give_header(source, Layout("s16le"), into)
    assert (tmp_path / "target").stat().st_size == 0


@pytest.mark.parametrize("content", [media.silence(1), b""])
def test_a_file_with_a_header_or_without_content_stays_as_it_is(content: bytes, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(content)
    with (tmp_path / "target").open("wb") as into:
        assert not give_header(source, Layout("s16le"), into)
    assert (tmp_path / "target").read_bytes() == b""


@pytest.mark.parametrize(
    "head", [b"OggS", b"fLaC", b"ID3\x04", b"\x1aE\xdf\xa3", b"\0\0\0\x20ftypM4A ", b".snd", b"caff"]
)
def test_containers_are_known_by_how_they_begin(head: bytes) -> None:
    assert has_container(head.ljust(16, b"\0"))


@pytest.mark.parametrize(
    ("media_type", "fields", "layout"),
    [
        ("audio/pcm", {}, Layout("s16le")),
        ("audio/raw", {}, Layout("s16le")),
        ("Audio/PCM; Rate=24000; channels=2", {}, Layout("s16le", 24_000, 2)),
        ("audio/L16;rate=44100;channels=1", {}, Layout("s16", 44_100)),
        ("audio/l16; rate=16000; endianness=little-endian", {}, Layout("s16le")),
        ("audio/raw;encoding=floating-point;bits=32;rate=8000;endian=little", {}, Layout("f32le", 8000)),
        ("audio/raw;encoding=floating-point;bits=64;endian=big", {}, Layout("f64be")),
        ("audio/raw;encoding=floating-point", {}, Layout("f32le")),
        ("audio/raw;encoding=signed-integer;bits=24;rate=8000", {}, Layout("s24le", 8000)),
        ("audio/raw;encoding=unsigned-integer;bits=8", {}, Layout("u8")),
        ("audio/raw;encoding=mu-law;rate=8000", {}, Layout("mulaw", 8000)),
        ("audio/x-raw, format=(string)F64BE, rate=(int)8000", {}, Layout("f64be", 8000)),
        ("audio/l16;rate=16000;endianness=big-endian", {}, Layout("s16be")),
        ("audio/x-l16; sample-rate=8000; channel-count=1", {}, Layout("s16", 8000)),
        (
            "audio/lpcm; sample-rate=8000; sample-size-bits=16; channel-count=1; is-big-endian=false",
            {},
            Layout("s16le", 8000),
        ),
        ("audio/raw;encoding=signed-integer;bits=16;rate=8000;endian=little", {}, Layout("s16le", 8000)),
        ("audio/x-raw, format=(string)S16LE, rate=(int)8000", {}, Layout("s16le", 8000)),
        ("audio/l24;bits=16", {}, Layout("s16be")),
        ("audio/l24;bits=32;endianness=little-endian", {}, Layout("s32le")),
        ("audio/l16;bits=16", {}, Layout("s16")),
        ("audio/l16;bits=24", {}, Layout("s24be")),
        ("audio/l8;bits=16", {}, Layout("s16le")),
        ("audio/pcm;bits=24", {}, Layout("s24le")),
        ("audio/pcm;bits=8", {}, Layout("u8")),
        ("audio/f32le;bits=16", {}, Layout("f32le")),
        ("audio/basic;bits=16", {}, Layout("mulaw", 8000)),
        ("audio/basic", {}, Layout("mulaw", 8000)),
        ("audio/PCMU", {}, Layout("mulaw", 8000)),
        ("audio/PCMA;rate=16000", {}, Layout("alaw", 16_000)),
        ("application/octet-stream", {"encoding": "linear16", "sample_rate": "8000"}, Layout("s16le", 8000)),
        ("", {"encoding": "MULAW"}, Layout("mulaw", 8000)),
        ("", {"codec": "pcm_f32le", "channels": "2"}, Layout("f32le", 16_000, 2)),
        ("audio/pcm", {"sample_rate": "48000"}, Layout("s16le", 48_000)),
        ("audio/wav", {"sample_rate": "48000", "channels": "2"}, None),
        ("", {"encoding": "opus", "sample_rate": "48000"}, None),
        ("text/plain; rate=8000", {}, None),
    ],
)  # fmt: skip
def test_types_and_fields_declare_a_layout(
    media_type: str, fields: dict[str, str], layout: Layout | None
) -> None:
    assert stated_layout(media_type, fields) == layout


@pytest.mark.parametrize(
    ("media_type", "name", "layout"),
    [
        ("application/octet-stream", "call.PCM", Layout("s16le")),
        ("", "call.ulaw", Layout("mulaw", 8000)),
        ("", "call.ul", Layout("mulaw", 8000)),
        ("", "CALL.AL", Layout("alaw", 8000)),
        ("audio/L24;rate=8000", "call.pcm", Layout("s24be", 8000)),
        ("", "call.wav", None),
        ("", "pcm", None),
    ],
)
def test_a_files_name_declares_it_where_its_type_does_not(
    media_type: str, name: str, layout: Layout | None
) -> None:
    assert stated_layout(media_type, {}, name) == layout


@pytest.mark.parametrize(
    ("media_type", "fields", "param"),
    [
        ("audio/pcm;rate=fast", {}, "sample_rate"),
        ("audio/pcm", {"sample_rate": "0"}, "sample_rate"),
        ("audio/pcm", {"sample_rate": "9" * 5000}, "sample_rate"),
        ("audio/pcm", {"channels": "9"}, "channels"),
        ("audio/raw;encoding=unsigned-integer;bits=16", {}, "bits"),
        ("audio/raw;encoding=signed-integer;bits=8", {}, "bits"),
        ("audio/raw;encoding=floating-point;bits=16", {}, "bits"),
        ("audio/raw;bits=12", {}, "bits"),
        ("audio/raw;encoding=adpcm", {}, "encoding"),
        ("audio/x-raw, format=(string)S24_32LE", {}, "encoding"),
        ("audio/pcm", {"channels": "-1"}, "channels"),
    ],
)
def test_a_layout_that_no_sound_has_is_refused(media_type: str, fields: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidParam) as caught:
        stated_layout(media_type, fields)
    assert caught.value.param == param
