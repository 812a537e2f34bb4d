"""Find faults in a backend's data, each described with its remedy. Pure; an empty list means no fault."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import PurePosixPath

from govor.contract.models import Feature, ModelFile, ModelSpec
from govor.contract.results import Segment, Token, Word
from govor.formats.languages import LANGUAGES
from govor.models.catalogue import DEFAULT

SOURCE_KINDS = (
    r"package:[^/+:]+/[^+]+(\+([^/+:]+:)?[^+]+)*",
    r"hf:[^@/]+/[^@/]+@[^/]+/.+",
    r"https://.+",
)
PLAIN = r"http://.+"
"""A source for files with a sha256 only: without TLS, anybody on the way could change the bytes."""

TOLERANCE = 0.001
"""Seconds that a time may lie beyond its array: results are rounded to milliseconds."""


class Unfit(Exception):
    """The result of a model is not what the core expects."""


def name_faults(specs: Iterable[ModelSpec]) -> list[str]:
    """Return the faults of a family's ids and aliases; they are compared without case."""
    names = [name for spec in specs for name in (spec.id, *spec.aliases)]
    faults = [f"a name is empty or has spaces: {name!r}" for name in names if not re.fullmatch(r"\S+", name)]
    if DEFAULT in names:
        faults.append(f"'{DEFAULT}' means the operator's preference list: choose another name")
    counts = Counter(name.casefold() for name in names)
    doubles = [name for name, count in counts.items() if count > 1]
    faults += [f"'{name}' is the id or alias of more than one model, or of one twice" for name in doubles]
    return faults


def spec_faults(spec: ModelSpec) -> list[str]:
    """Return the faults of a model's description, its files apart."""
    faults = [
        f"language '{code}' is none of govor.formats.languages: write the ISO 639-1 code"
        for code in spec.languages
        if code not in LANGUAGES
    ]
    known = ", ".join(Feature.__members__)
    faults += [
        f"feature {feature!r} is not a govor.Feature; there are {known}"
        for feature in spec.features
        if not isinstance(feature, Feature)
    ]
    if not spec.max_seconds > 0:
        faults.append(f"max_seconds is {spec.max_seconds}: give the longest array that one call may get")
    if spec.memory < 0:
        faults.append(f"memory is {spec.memory}: give bytes, or 0 where they are unknown")
    faults += [f"the WER on {name} is {rate}: give percent" for name, rate in spec.wer if not rate >= 0]
    return [f"{spec.id}: {fault}" for fault in faults]


def variant_faults(spec: ModelSpec) -> list[str]:
    """Return the faults of a model's variants, their files apart."""
    names = [variant.precision for variant in spec.variants]
    faults = []
    if not all(names) or "auto" in names:
        faults.append(f"the variants have the precisions {names}: name the number format of each")
    if len(set(names)) < len(names):
        faults.append(f"two variants have one precision: {', '.join(names)}")
    if spec.variants and (spec.files or spec.memory or spec.size_estimate):
        faults.append("it has variants: state `files`, `memory` and `size_estimate` in them, not beside them")
    return [f"{spec.id}: {fault}" for fault in faults]


def file_faults(spec: ModelSpec) -> list[str]:
    """Return the faults that would keep the core from fetching or verifying a model's files."""
    return [
        fault
        for precision in [variant.precision for variant in spec.variants] or ["auto"]
        for fault in _set_faults(spec.in_precision(precision))
    ]


def _set_faults(spec: ModelSpec) -> list[str]:
    """Return the faults of one set of files."""
    counts = Counter(file.name for file in spec.files)
    faults = [f"the file '{name}' is listed {count} times" for name, count in counts.items() if count > 1]
    for pattern in spec.derived:
        faults += [
            f"the pattern '{pattern}' of derived files matches its own file '{name}'"
            for name in counts
            if fnmatchcase(name, pattern)
        ]
    for file in spec.files:
        faults += [f"the file '{file.name}' {fault}" for fault in _file_faults(file)]
        if not file.sources and not spec.folder:
            faults.append(f"the file '{file.name}' has no source: name a package, a hub repository or a URL")
    return [f"{spec.id}: {fault}" for fault in faults]


def _file_faults(file: ModelFile) -> Iterator[str]:
    path = PurePosixPath(file.name)
    if not path.name or path.is_absolute() or ".." in path.parts or re.search(r"[\\:]", file.name):
        yield "must be named by a path inside the model's folder, with forward slashes"
    if path.name.startswith(".govor") or path.suffix == ".govor-part":
        yield "has a name that the core keeps for itself"
    if file.size < 0:
        yield f"has size {file.size}: give bytes, or 0 where the publisher states none"
    if not re.fullmatch(r"([0-9a-f]{64})?", file.sha256):
        yield "needs a sha256 of 64 lower-case hex digits, or an empty one"
    if not re.fullmatch(r"([0-9a-f]{32})?", file.md5):
        yield "needs an md5 of 32 lower-case hex digits, or an empty one"
    kinds = (*SOURCE_KINDS, PLAIN) if file.sha256 else SOURCE_KINDS
    for source in file.sources:
        if not any(re.fullmatch(kind, source) for kind in kinds):
            yield (
                f"has a source of no known kind, '{source}': write package:DIST/PATH, "
                "hf:OWNER/REPO@REVISION/PATH or https://…; http://… needs a sha256"
            )


def segment_faults(segment: Segment, seconds: float) -> list[str]:
    """Return the faults of a segment of an array that is `seconds` long."""
    faults = _span_faults("the segment", segment.start, segment.end, seconds)
    if segment.text != segment.text.strip():
        faults.append(f"the text {segment.text!r} has spaces at its ends: strip it")
    if not segment.text:
        faults.append("a segment has no text: leave it out, silence has no segments")
    if segment.speaker is not None:
        faults.append(f"a segment has the speaker {segment.speaker!r}: the core finds out who speaks")
    faults += [fault for word in segment.words or () for fault in _word_faults(word, segment, seconds)]
    for before, after in pairwise(segment.words or ()):
        if after.start is not None and before.start is not None and after.start < before.start:
            faults.append(f"the word '{after.text}' starts before '{before.text}', which precedes it")
    faults += _token_faults(segment.text, segment.tokens or (), seconds)
    if segment.language is not None and segment.language not in LANGUAGES:
        faults.append(f"language '{segment.language}' is no ISO 639-1 code known to the core")
    return faults


def _word_faults(word: Word, segment: Segment, seconds: float) -> list[str]:
    faults = _span_faults(f"the word '{word.text}'", word.start, word.end, seconds)
    if word.probability is not None and not 0 <= word.probability <= 1:
        faults.append(f"the word '{word.text}' has the probability {word.probability}, not 0..1")
    before = word.end is not None and segment.start is not None and word.end < segment.start - TOLERANCE
    behind = word.start is not None and segment.end is not None and word.start > segment.end + TOLERANCE
    if not faults and (before or behind):
        faults.append(
            f"the word '{word.text}' at {word.start}..{word.end} s lies outside its segment, "
            f"{segment.start}..{segment.end} s"
        )
    return faults


def _token_faults(text: str, tokens: Sequence[Token], seconds: float) -> Iterator[str]:
    for token in tokens:
        if not isinstance(token.data, bytes):
            yield f"the token {token!r} must carry its UTF-8 bytes as `data`"
            return
        if token.logprob is not None and (not token.logprob <= 0 or math.isinf(token.logprob)):
            yield f"the token {token.text!r} has the logprob {token.logprob}: no probability is above 1"
        yield from _span_faults(f"the token {token.text!r}", token.start, token.end, seconds)
    joined = b"".join(token.data for token in tokens).decode(errors="replace").strip()
    if tokens and joined != text:
        yield f"the tokens joined are {joined!r}, but the text is {text!r}: give all tokens of the text"


def segments_faults(segments: Sequence[Segment], seconds: float) -> list[str]:
    """Return the faults of the segments of an array that is `seconds` long."""
    return [fault for each in segments for fault in segment_faults(each, seconds)] + order_faults(segments)


def chance_faults(chances: object) -> list[str]:
    """Return the faults of a result of `detect`."""
    if not isinstance(chances, Sequence):
        return [f"detect() returned {chances!r:.80}: return a list of (code, probability), empty for silence"]
    faults = [
        f"detect() gave '{code}', no ISO 639-1 code known to the core"
        for code, _ in chances
        if code not in LANGUAGES
    ]
    faults += [
        f"detect() gave '{code}' the probability {chance}" for code, chance in chances if not 0 <= chance <= 1
    ]
    if [chance for _, chance in chances] != sorted((chance for _, chance in chances), reverse=True):
        faults.append("detect() must give the most probable language first")
    return faults


def order_faults(segments: Iterable[Segment]) -> list[str]:
    """Return the places at which consecutive segments of one array go back in time."""
    return [
        f"'{after.text}' starts at {after.start} s, before '{before.text}', which precedes it"
        for before, after in pairwise(segments)
        if before.start is not None and after.start is not None and after.start < before.start
    ]


def _span_faults(what: str, start: float | None, end: float | None, seconds: float) -> list[str]:
    times = [time for time in (start, end) if time is not None]
    if not all(isinstance(time, int | float) for time in times):
        return [f"{what} has times that are not Python floats: convert numpy's with float()"]
    if times != sorted(times):
        return [f"{what} ends at {end} s, before it starts at {start} s"]
    if any(not 0 <= time <= seconds + TOLERANCE for time in times):
        return [f"{what} lies at {start}..{end} s in an array of {seconds:.3f} s: count from its start, clip"]
    return []
