"""WAV files that FFmpeg misreads are decoded as they were recorded."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from govor.contract.audio import Audio
from govor.decoder.containers.container import Descriptor
from govor.decoder.containers.wav_headers import MOST_CHUNKS, end_of_chunks
from govor.decoder.process.decoding import Source
from govor.decoder.wire import TrackSelection
from support.sound import media

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
TONE = media.tone(0.5)


def ticks(bits: int) -> np.ndarray:
    """Return the tone as integers of so many bits."""
    return np.round(TONE * 2.0 ** (bits - 1)).astype(np.int64)


def in_bytes(samples: np.ndarray, width: int, order: str) -> bytes:
    """Return integers in `width` bytes each."""
    return b"".join(
        int(sample).to_bytes(width, "little" if order == "<" else "big", signed=True) for sample in samples
    )


def wave_file(
    data: bytes, width: int, *, order: str = "<", valid: int = 0, tag: int = PCM, before: bytes = b""
) -> bytes:
    """Return a mono file of 16 kHz; `valid` bits are stated by an extension."""
    told = EXTENSIBLE if valid else tag
    form = struct.pack(f"{order}HHIIHH", told, 1, 16_000, 16_000 * width, width, 8 * width)
    if valid:
        form += struct.pack(f"{order}HHIIHH8s", 22, valid, 4, tag, 0, 0x10, bytes.fromhex("800000aa00389b71"))
    chunks = _chunk(b"fmt ", form, order) + before + _chunk(b"data", data, order)
    return _chunk(b"RIFF" if order == "<" else b"RIFX", b"WAVE" + chunks, order)


def _chunk(name: bytes, content: bytes, order: str) -> bytes:
    return name + struct.pack(f"{order}I", len(content)) + content


@pytest.mark.parametrize(("valid", "width"), [(24, 4), (20, 4), (20, 3), (12, 2), (12, 4), (32, 4)])
def test_samples_are_read_in_the_width_they_take_not_in_the_bits_that_count(
    valid: int, width: int, decode: Callable[[bytes], Audio]
) -> None:
    data = in_bytes(ticks(valid) << (8 * width - valid), width, "<")
    assert np.allclose(decode(wave_file(data, width, valid=valid)), TONE, atol=2**-11)


@pytest.mark.parametrize("width", [2, 3, 4])
def test_big_endian_samples_are_turned_round(width: int, decode: Callable[[bytes], Audio]) -> None:
    content = wave_file(in_bytes(ticks(8 * width), width, ">"), width, order=">")
    assert np.allclose(decode(content), TONE, atol=2**-14)


def test_big_endian_floats_are_turned_round(decode: Callable[[bytes], Audio]) -> None:
    content = wave_file(TONE.astype(">f4").tobytes(), 4, order=">", tag=FLOAT)
    assert np.allclose(decode(content), TONE, atol=2**-14)


@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize("padding", [b"", b"\0", b"Q"])
def test_samples_behind_a_chunk_of_odd_length_are_found(
    padding: bytes, width: int, decode: Callable[[bytes], Audio]
) -> None:
    odd = b"bext" + struct.pack("<I", 603) + bytes(603) + padding
    content = wave_file(in_bytes(ticks(8 * width), width, "<"), width, before=odd)
    assert np.allclose(decode(content), TONE, atol=2**-14)


def test_a_long_big_endian_file_is_read_as_a_whole(decode: Callable[[bytes], Audio]) -> None:
    long = np.tile(TONE, 40)
    content = wave_file(in_bytes(np.tile(ticks(24), 40), 3, ">"), 3, order=">")
    assert np.allclose(decode(content), long, atol=2**-14)


def test_a_torn_big_endian_file_is_decoded_as_far_as_it_goes(decode: Callable[[bytes], Audio]) -> None:
    content = wave_file(in_bytes(ticks(24), 3, ">"), 3, order=">")
    heard = decode(content[:-3001])
    assert len(heard) == len(TONE) - 1001
    assert np.allclose(heard, TONE[: len(heard)], atol=2**-14)


@pytest.mark.parametrize("stated", [0, 2**64 - 1])
@pytest.mark.parametrize("here", [0, 0xFFFF_FFFF])
def test_rf64_whose_length_was_never_filled_in_is_read_to_its_end(
    stated: int, here: int, decode: Callable[[bytes], Audio]
) -> None:
    data = in_bytes(ticks(16), 2, "<")
    sizes = struct.pack("<QQQI", 0, stated, 0, 0)
    whole = wave_file(data, 2)
    content = b"RF64\xff\xff\xff\xffWAVE" + _chunk(b"ds64", sizes, "<") + whole[12:36]
    heard = decode(content + b"data" + struct.pack("<I", here) + data)
    assert np.allclose(heard, TONE, atol=2**-14)


@pytest.mark.parametrize("order", ["<", ">"])
def test_bytes_after_the_samples_are_not_read_as_chunks(
    order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "reserved"
    file.write_bytes(wave_file(in_bytes(ticks(16), 2, order), 2, order=order) + bytes(1_000_000))
    seeks: list[int] = []
    seek = Descriptor.seek
    monkeypatch.setattr(Descriptor, "seek", lambda self, *where: seeks.append(1) or seek(self, *where))
    with file.open("rb") as opened, Source(opened.fileno(), TrackSelection()) as source:
        heard = np.frombuffer(b"".join(piece for (piece,) in source.pcm()), "<i2") / 2**15
    assert np.allclose(heard, TONE, atol=2**-14)
    assert len(seeks) < 1_000


def test_where_the_chunks_of_a_file_end(tmp_path: Path) -> None:
    plain = wave_file(bytes(100), 2)
    lists = plain + _chunk(b"LIST", bytes(7), "<") + b"\0" + _chunk(b"id3 ", bytes(8), "<")
    unstated = plain.replace(b"data" + struct.pack("<I", 100), b"data" + struct.pack("<I", 0))
    assert unstated != plain
    cases = {
        plain: None,
        plain + bytes(50): len(plain),
        lists: None,
        lists + bytes(50): len(lists),
        plain + b"\xff" * 50: len(plain),
        plain + _chunk(b"JUNK", b"", "<") * 2_000: len(plain) + 8 * (MOST_CHUNKS - 2),
        unstated + bytes(50): None,
        plain[:30] + bytes(50): None,
        plain[:-1]: None,
        b"OggS" + plain[4:] + bytes(50): None,
    }
    for content, end in cases.items():
        (tmp_path / "file").write_bytes(b"before" + content)
        with (tmp_path / "file").open("rb") as opened:
            found = end_of_chunks(opened.fileno(), len(b"before"))
        assert found == (None if end is None else end + len(b"before")), content[:40]
