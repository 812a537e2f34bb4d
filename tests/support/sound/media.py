"""Media files made for a test: any container, codec, rate and layout, from samples."""

from __future__ import annotations

import io
import os
import struct
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
CHUNK = 1024


def read_wav(path: Path) -> tuple[Samples, int]:
    """Return ((samples,), rate) of a 16-bit mono wav."""
    with wave.open(str(path)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return pcm.astype(np.float32) / 32768, file.getframerate()


def wav(samples: Samples, rate: int = 16_000) -> bytes:
    """16-bit mono wav."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes())
    return out.getvalue()


def tone(seconds: float, hertz: float = 440.0) -> Samples:
    """(samples,) of a sine at 16 kHz."""
    times = np.arange(round(seconds * 16_000)) / 16_000
    return (0.3 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def silence(seconds: float) -> bytes:
    """A wav of digital silence."""
    return wav(np.zeros(int(seconds * 16_000), np.float32))


def float_wav(samples: Samples, rate: int, channels: int) -> bytes:
    """32-bit float wav without a channel mask: the same samples in every channel."""
    return float_channels_wav(np.repeat(samples.astype("<f4")[None], channels, axis=0), rate)


def float_channels_wav(channels: Samples, rate: int) -> bytes:
    """Float wav of (channels, samples), in 32 or 64 bits as they are."""
    size = channels.dtype.itemsize
    data, block = np.ascontiguousarray(channels.T).tobytes(), size * len(channels)
    header = struct.pack("<HHIIHH", 3, len(channels), rate, rate * block, block, 8 * size)
    body = (
        b"WAVEfmt " + struct.pack("<I", len(header)) + header + b"data" + struct.pack("<I", len(data)) + data
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def encode(
    tracks: list[Samples], rate: int, container: str, codec: str, *, picture: bool = False, default: int = 0
) -> bytes:
    """Encode each of `tracks` (16 kHz) as one audio track at `rate`; `picture` adds a moving picture."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        shown = file.add_stream("mpeg4", rate=10) if picture else None
        if shown is not None:
            shown.width, shown.height, shown.pix_fmt = 64, 48, "yuv420p"
        streams = []
        for number in range(len(tracks)):
            stream = file.add_stream(codec, rate=rate, layout="mono")
            if number == default and len(tracks) > 1:
                stream.disposition = av.stream.Disposition.default
            streams.append(stream)
        if shown is not None:
            for number in range(20):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 9, np.uint8), format="rgb24")
                file.mux(shown.encode(frame))
            file.mux(shown.encode(None))
        for stream, samples in zip(streams, tracks, strict=True):
            resampler = av.AudioResampler(stream.format.name, "mono", rate, stream.frame_size or None)
            for start in range(0, len(samples), CHUNK):
                chunk = np.ascontiguousarray(samples[None, start : start + CHUNK])
                frame = av.AudioFrame.from_ndarray(chunk, format="fltp", layout="mono")
                frame.sample_rate = 16_000
                for resampled in resampler.resample(frame):
                    file.mux(stream.encode(resampled))
            for resampled in resampler.resample(None):
                file.mux(stream.encode(resampled))
            file.mux(stream.encode(None))
    return out.getvalue()


Change = Callable[[int, av.Packet], bytes | None]
"""Content of a packet of sound, by its number, or None if it is missing. May move the packet's time."""


def altered(content: bytes, container: str, change: Change) -> bytes:
    """Return the packets of a file in `container`, with those of sound changed."""
    out, number = io.BytesIO(), 0
    with av.open(io.BytesIO(content)) as source, av.open(out, "w", format=container) as file:
        streams = {stream.index: file.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.size == 0:
                continue
            kept: bytes | None = bytes(packet)
            if packet.stream.type == "audio":
                kept = change(number, packet)
                number += 1
            if kept is not None:
                new = av.Packet(kept)
                new.pts, new.dts, new.duration = packet.pts, packet.dts, packet.duration
                new.time_base, new.is_keyframe = packet.time_base, packet.is_keyframe
                new.stream = streams[packet.stream.index]
                file.mux(new)
    return out.getvalue()


def move(packet: av.Packet, seconds: float) -> bytes:
    """Set a packet's time later by some seconds; return its content."""
    assert packet.time_base is not None
    ticks = round(seconds / packet.time_base)
    packet.pts, packet.dts = (packet.pts or 0) + ticks, (packet.dts or 0) + ticks
    return bytes(packet)


def channels_wav(channels: Samples, rate: int = 16_000, mask: int | None = None) -> bytes:
    """16-bit wav of (channels, samples) float; with a `mask` of channels it is WAVE_FORMAT_EXTENSIBLE."""
    count = len(channels)
    data = (np.clip(channels.T, -1, 1) * 32767).astype("<i2").tobytes()
    kind = 1 if mask is None else 0xFFFE
    head = struct.pack("<HHIIHH", kind, count, rate, rate * count * 2, count * 2, 16)
    if mask is not None:
        head += struct.pack("<HHIH", 22, 16, mask, 1) + bytes.fromhex("000000001000800000aa00389b71")
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


BITS = ("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR", "TBL")
"""Channels of a wav's mask, from its lowest bit."""


def mask_of(layout: str) -> int:
    """Return a wav's channel mask for a layout."""
    return sum(1 << BITS.index(channel.name) for channel in av.AudioLayout(layout).channels)


def resampled(channels: Samples, rate: int, layout: str) -> Samples:
    """Return (samples,) at 16 kHz that FFmpeg alone makes of (channels, samples) in 16 bits."""
    pcm = (np.clip(channels.T, -1, 1) * 32767).astype("<i2")
    resampler = av.AudioResampler("s16", "mono", 16_000)
    frames = []
    for start in range(0, len(pcm), CHUNK):
        data = np.ascontiguousarray(pcm[start : start + CHUNK].reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(data, format="s16", layout=layout)
        frame.sample_rate = rate
        frames += resampler.resample(frame)
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32) / 32768


def encode_channels(
    channels: Samples,
    rate: int,
    container: str,
    codec: str,
    layout: str,
    *,
    muxing: dict[str, str] | None = None,
    **options: str,
) -> bytes:
    """Encode (channels, samples), 16 kHz, as one track; `muxing` are options of the container."""
    out = io.BytesIO()
    with av.open(out, "w", format=container, options=muxing or {}) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout, options=options)
        resampler = av.AudioResampler(stream.format.name, layout, rate, stream.frame_size or None)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(channels.T.reshape(1, -1)), format="flt", layout=layout
        )
        frame.sample_rate = 16_000
        for each in (frame, None):
            for resampled in resampler.resample(each):
                file.mux(stream.encode(resampled))
        file.mux(stream.encode(None))
    return out.getvalue()


def tracks_of(
    tracks: list[Samples],
    container: str = "matroska",
    tags: list[dict[str, str]] | None = None,
    default: int = 0,
) -> bytes:
    """Put each of `tracks` (16 kHz) into an audio track of PCM, with its tags."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        streams = [file.add_stream("pcm_s16le", rate=16_000, layout="mono") for _ in tracks]
        for number, stream in enumerate(streams):
            stream.disposition = (
                av.stream.Disposition.default if number == default else av.stream.Disposition(0)
            )
            stream.metadata.update(tags[number] if tags else {})
        pcm = [(np.clip(samples, -1, 1) * 32767).astype(np.int16) for samples in tracks]
        for start in range(0, max(map(len, pcm)), 1600):
            for stream, samples in zip(streams, pcm, strict=True):
                if start < len(samples):
                    data = np.ascontiguousarray(samples[None, start : start + 1600])
                    frame = av.AudioFrame.from_ndarray(data, format="s16", layout="mono")
                    frame.sample_rate, frame.pts = 16_000, start
                    file.mux(stream.encode(frame))
        for stream in streams:
            file.mux(stream.encode(None))
    return out.getvalue()


def without_length(webm: bytes) -> bytes:
    """Return a webm as browsers record it: without a duration."""
    at = webm.index(b"\x44\x89\x88")  # the element "duration", eight bytes long
    return webm[:at] + b"\xec\x89" + webm[at + 2 :]  # becomes one without meaning


def write_hours(path: Path, seconds: int) -> Path:
    """Write a 16-bit wav of silence at 16 kHz that takes hardly any room on disk."""
    size = seconds * 32_000
    path.write_bytes(silence(0)[:40] + struct.pack("<I", size))
    os.truncate(path, 44 + size)
    return path


def descriptors(path: Path) -> int:
    """Return how many open descriptors of this process and its children refer to a file. Linux only."""
    return sum(opens(process, path) for process in family(os.getpid()))


def opens(process: int, path: Path) -> int:
    """Return how many open descriptors of a process refer to a file; 0 too if it has ended. Linux only."""
    found = 0
    try:
        for link in Path(f"/proc/{process}/fd").iterdir():
            try:
                found += link.readlink() == path
            except FileNotFoundError:
                continue  # it was the one that lists the folder, or another thread's
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def family(process: int) -> list[int]:
    """Return a process, its children and theirs. Linux only."""
    members = [process]
    for member in members:
        for task in Path(f"/proc/{member}/task").glob("*/children"):
            try:
                members += [int(child) for child in task.read_text().split()]
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
    return members
