"""Sample layouts of audio without a header, as a media type or the fields of a request declare them.

Knows nothing of files. Types: RFC 2586 (L16), 3190 (L24), 3551 (PCMU, PCMA, L8), 2046 (basic), and those that
speech services ask their clients for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from govor.contract.audio import SAMPLE_RATE
from govor.errors import InvalidParam

UNKNOWN_ORDER = "s16"
"""16 bits in unknown byte order: the order that gives the smoother curve is used. RFC 2586 says big-endian,
AWS and others little-endian.
"""

TELEPHONE_RATE = 8000
RATES = range(1000, 768_001)
CHANNELS = range(1, 9)

KINDS = {
    "pcm": "s16le",
    "x-pcm": "s16le",
    "lpcm": "s16le",
    "raw": "s16le",
    "x-raw": "s16le",
    "l16": UNKNOWN_ORDER,
    "x-l16": UNKNOWN_ORDER,
    "l8": "u8",
    "l24": "s24be",
    "basic": "mulaw",
    "mulaw": "mulaw",
    "x-mulaw": "mulaw",
    "pcmu": "mulaw",
    "alaw": "alaw",
    "x-alaw": "alaw",
    "pcma": "alaw",
}
"""Media types after `audio/`, and the sample format of each."""

PLAIN = (
    *("u8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be"),
    *("f32le", "f32be", "f64le", "f64be"),
)
"""Sample formats of WAV files, by the names that FFmpeg and GStreamer use."""

CODECS = {
    **KINDS,
    **{name: name for name in PLAIN},
    **{f"pcm_{name}": name for name in (*PLAIN, "mulaw", "alaw")},
    "linear16": "s16le",
    "pcm16": "s16le",
    "ulaw": "mulaw",
    "u-law": "mulaw",
    "mu-law": "mulaw",
    "a-law": "alaw",
    "g711_ulaw": "mulaw",
    "g711_mulaw": "mulaw",
    "g711_alaw": "alaw",
}
"""Values of the fields `encoding` and `codec`; they may follow `audio/` too."""

WIDTHS = {
    "signed-integer": {"16": "s16le", "24": "s24le", "32": "s32le"},
    "unsigned-integer": {"8": "u8"},
    "floating-point": {"32": "f32le", "64": "f64le"},
}
"""SoX's encodings, which Wit.ai asks for, with the bits that each may have; the first is the default."""

SUFFIXES = {name: name for name in ("pcm", "raw", "ulaw", "mulaw", "alaw")} | {"ul": "mulaw", "al": "alaw"}
"""File name suffixes and their types: HTTP libraries know none for these."""

RATE_NAMES = ("rate", "sample_rate", "samplerate", "sample-rate")
CHANNEL_NAMES = ("channels", "channel-count")
WIDE = ("16", "24", "32")
BIG = frozenset({"big", "big-endian", "be", "true"})

_TYPE_CAST = re.compile(r"\((?:int|string)\)")


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of samples without a header."""

    samples: str
    """Sample format as FFmpeg names it (sign, bits, byte order), or mulaw, alaw."""
    rate: int = SAMPLE_RATE
    """Hz."""
    channels: int = 1


def stated_layout(media_type: str, fields: Mapping[str, str], file_name: str = "") -> Layout | None:
    """Return the layout that a media type and the fields of a request declare; None: there is none.

    The fields `encoding` or `codec`, `sample_rate` and `channels` win over the type. The file's name
    counts if its type says nothing. Raises InvalidParam for a rate, a number of channels or bits that no
    audio has, and for an unknown encoding in the type: decoded as another one it would be noise.
    """
    suffix = PurePath(file_name).suffix[1:].lower()
    layout = _of_type(media_type) or (_of_type(f"audio/{SUFFIXES[suffix]}") if suffix in SUFFIXES else None)
    codec = (fields.get("encoding") or fields.get("codec") or "").strip().lower()
    if codec in CODECS:
        samples = CODECS[codec]
        layout = replace(layout, samples=samples) if layout else Layout(samples, _usual_rate(samples))
    return _sized(layout, fields) if layout else None


def _of_type(media_type: str) -> Layout | None:
    kind, *texts = _TYPE_CAST.sub("", media_type.lower()).replace(",", ";").split(";")
    family, _, name = kind.strip().partition("/")
    if family != "audio" or name not in CODECS:
        return None
    pairs = (text.partition("=") for text in texts)
    given = {key.strip(): value.strip(' "') for key, _, value in pairs}
    samples = _samples(CODECS[name], given)
    return _sized(Layout(samples, _usual_rate(samples)), given)


def _samples(samples: str, given: Mapping[str, str]) -> str:
    """Return the sample format by the parameters: GStreamer's format, SoX's encoding, bits, byte order."""
    bits = given.get("bits") or given.get("sample-size-bits") or ""
    encoding = next(filter(None, map(given.get, ("encoding", "codec", "format"))), "")
    if widths := WIDTHS.get(encoding):
        samples = _known(widths, bits or next(iter(widths)), "bits", widths)
    else:
        samples = _known(CODECS, encoding, "encoding", (*WIDTHS, *PLAIN)) if encoding else samples
        if samples in ("mulaw", "alaw"):
            return samples
        if bits and not samples.startswith("f"):
            samples = _of_width(samples, bits)
    order = given.get("endianness") or given.get("endian") or given.get("is-big-endian") or ""
    if order and samples != "u8":
        samples = samples.removesuffix("le").removesuffix("be") + ("be" if order in BIG else "le")
    return samples


def _known(meant: Mapping[str, str], text: str, what: str, said: Iterable[str]) -> str:
    if text not in meant:
        raise InvalidParam(
            f"'{what}' of sound without a header is {text[:20]!r}; it may be {', '.join(said)}.", param=what
        )
    return meant[text]


def _of_width(samples: str, bits: str) -> str:
    """Return integers of another width, in the same byte order, or if that is unknown in the RFCs'."""
    if samples == UNKNOWN_ORDER and bits == "16":
        return samples
    order = "be" if samples == UNKNOWN_ORDER or samples.endswith("be") else "le"
    return _known({"8": "u8", **{each: f"s{each}{order}" for each in WIDE}}, bits, "bits", ("8", *WIDE))


def _usual_rate(samples: str) -> int:
    return TELEPHONE_RATE if samples in ("mulaw", "alaw") else SAMPLE_RATE


def _sized(layout: Layout, given: Mapping[str, str]) -> Layout:
    rate = _number(given, RATE_NAMES, RATES, "sample_rate")
    channels = _number(given, CHANNEL_NAMES, CHANNELS, "channels")
    return replace(layout, rate=rate or layout.rate, channels=channels or layout.channels)


def _number(given: Mapping[str, str], names: tuple[str, ...], allowed: range, what: str) -> int:
    text = next((given[name].strip() for name in names if given.get(name)), "")
    if not text:
        return 0
    if not re.fullmatch(r"[0-9]{1,7}", text) or int(text) not in allowed:
        raise InvalidParam(
            f"'{what}' of sound without a header is {text[:20]!r}; it may be {allowed[0]} to {allowed[-1]}.",
            param=what,
        )
    return int(text)
