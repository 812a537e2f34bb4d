"""Gives the segments of a chunk their times in the recording; none spans silence that was left out.

A model does not see the joints of a chunk: a segment may go on across one, a word may end behind it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, pairwise

from govor.audio.chunking import Chunk
from govor.contract.audio import SAMPLE_RATE
from govor.contract.recognizers import Options
from govor.contract.results import Segment, Word
from govor.engine.alignment.plain_values import plain_values
from govor.engine.alignment.text_places import only
from govor.engine.alignment.word_lengths import lengthened
from govor.formats.languages import separator
from govor.formats.subtitles.line_breaks import break_places, ends_clause, ends_sentence
from govor.formats.text import cut_at_words
from govor.formats.timeline import TimedWord, timed_words

WIDE = round(1.0 * SAMPLE_RATE)
"""Samples left out at a joint from which on no segment may span it; a sentence may hold a shorter pause."""

MARGIN = round(0.2 * SAMPLE_RATE)
"""Samples without speech on both sides of a joint: the least padding of the core's own rules."""

AMID_SENTENCE, AMID_CLAUSE = 20.0, 8.0
"""Cost, in letters, of a cut within a sentence or behind a clause: people pause behind sentences, so that a
sentence end so many letters from the guessed place is the better cut."""


@dataclass(frozen=True, slots=True)
class Part:
    """Samples of a chunk's audio between two joints, with their origin in the recording, in samples."""

    start: int
    end: int
    origin: int

    def time(self, sample: int) -> float:
        """Return the time of a sample in the recording, in seconds; a sample outside is moved to the edge."""
        return (self.origin + min(max(sample, self.start), self.end) - self.start) / SAMPLE_RATE


Run = Sequence[Part]
"""Parts between which so little was left out that a segment may span them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Letters `first` to `last` (exclusive) of a segment's text, with their words and their run."""

    first: int
    last: int
    words: Sequence[TimedWord]
    run: Run


def place(segment: Segment, chunk: Chunk, options: Options) -> list[Segment]:
    """Return the segment with times of the recording, cut into pieces if it spans a long silence.

    The pieces together have exactly its text. A segment without times gets those of the chunk. Words without
    times are left out, and so are the times of tokens.
    """
    segment = plain_values(segment)
    segment = replace(segment, words=_timed(segment.words))
    last = chunk.until
    start = 0 if segment.start is None else min(round(segment.start * SAMPLE_RATE), last)
    end = last if segment.end is None else min(round(segment.end * SAMPLE_RATE), last)
    runs = _runs(chunk)
    touched = [run for run in runs if run[0].start < end and start < run[-1].end]
    if len(touched) < 2 or not segment.text.strip():
        whole = [part for run in runs for part in run]
        words = None if segment.words is None else _placed(timed_words(segment.words), whole, start, end)
        begins, ends = _span(whole, start, end)
        return [replace(segment, start=begins, end=ends, words=_plain(words))]
    cuts = _cuts(segment.text, segment.language or options.language, options.task == "translate")
    pieces = _by_words(segment, runs, cuts) or _by_letters(segment, runs, cuts, start, end)
    return [_segment(segment, piece, start, end) for piece in pieces]


def spans_silence(chunk: Chunk) -> bool:
    """Return whether segments of this chunk may have to be cut."""
    return len(_runs(chunk)) > 1


def _timed(words: Sequence[Word] | None) -> tuple[Word, ...] | None:
    """Return the words of known times; None if no word has any."""
    timed = timed_words(words)
    return None if words is None or (words and not timed) else _plain(timed)


def _plain(words: Sequence[TimedWord] | None) -> tuple[Word, ...] | None:
    return None if words is None else tuple(each.word for each in words)


def _runs(chunk: Chunk) -> list[Run]:
    runs: list[list[Part]] = []
    for (start, end), origin in zip(pairwise([*chunk.offsets, chunk.until]), chunk.starts, strict=True):
        before = runs[-1][-1] if runs else None
        if before is None or origin - before.origin - (before.end - before.start) >= WIDE:
            runs.append([])
        runs[-1].append(Part(start, end, origin))
    return list(runs)


def _span(run: Run, start: int, end: int) -> tuple[float, float]:
    """Return start and end in the recording. A start on a joint belongs to the later part, an end to the
    earlier one."""
    first = next((part for part in run if start < part.end), run[-1])
    last = next((part for part in reversed(run) if part.start < end), run[0])
    begins = first.time(start)
    return begins, max(begins, last.time(end))


def _placed(words: Sequence[TimedWord], run: Run, since: int, until: int) -> list[TimedWord]:
    """Return the words in order, each clipped to the part that holds most of it, and none of zero length."""
    spans = [(round(word.start * SAMPLE_RATE), round(word.end * SAMPLE_RATE)) for word in words]
    homes = list(_homes([(word.start, word.end) for word in words], [[part] for part in run]))
    times = [_span([run[home]], *span) for home, span in zip(homes, spans, strict=True)]
    if any(start < since or until < end for start, end in spans):  # words lie outside their segment
        since, until = run[0].start, run[-1].end
    placed: list[tuple[float, float]] = []
    for home, group in groupby(zip(homes, times, strict=True), key=lambda pair: pair[0]):
        part = run[home]
        placed += lengthened([span for _, span in group], part.time(since), part.time(until))
    return [
        TimedWord(replace(each.word, start=start, end=end), start, end)
        for each, (start, end) in zip(words, placed, strict=True)
    ]


def _cuts(text: str, language: str | None, translated: bool) -> list[int]:
    """Return the places at which the text may be cut so that its pieces, joined, have the same letters."""
    spaced = bool(separator("en" if translated else language))
    places = [at for at in break_places(text) if text[:at].strip() and text[at:].strip()]
    if not spaced:
        return [at for at in places if not text[at - 1].isspace()]
    return [at for at in places if text[at - 1] == " " and not text[at - 2].isspace()]


def _by_words(segment: Segment, runs: Sequence[Run], cuts: Sequence[int]) -> list[Piece]:
    """Return the segment's pieces by the times of its words; empty if words are missing or not in it."""
    words = timed_words(segment.words)
    texts = cut_at_words(segment.text, words)
    units: list[list[tuple[TimedWord, str]]] = []  # words without a cut between them stay together
    at = 0
    for word, text in zip(words, texts, strict=False):
        if not units or at in cuts:
            units.append([])
        units[-1].append((word, text))
        at += len(text)
    homes = _homes([(unit[0][0].start, unit[-1][0].end) for unit in units], runs)
    pieces, first = [], 0
    for home, group in groupby(zip(homes, units, strict=True), key=lambda pair: pair[0]):
        held = [pair for _, unit in group for pair in unit]
        last = first + sum(len(text) for _, text in held)
        pieces.append(Piece(first, last, [word for word, _ in held], runs[home]))
        first = last
    return pieces


def _by_letters(
    segment: Segment, runs: Sequence[Run], cuts: Sequence[int], start: int, end: int
) -> list[Piece]:
    """Return the segment's pieces, guessed from the mean number of letters per second of speech."""
    text, words = segment.text, timed_words(segment.words)
    spoken = [max(min(end, run[-1].end - MARGIN) - max(start, run[0].start + MARGIN), 0) for run in runs]
    places = [0]
    for said in accumulate(spoken[:-1]):
        guess = len(text) * said / max(sum(spoken), 1)
        choice = [at for at in (0, *cuts, len(text)) if at >= places[-1]]
        places.append(min(choice, key=lambda at: abs(at - guess) + _awkward(text, at)))
    letters = [pair for pair in enumerate(pairwise([*places, len(text)])) if pair[1][0] < pair[1][1]]
    homes = list(_homes([(word.start, word.end) for word in words], [runs[number] for number, _ in letters]))
    pieces = []
    for place, (number, (first, last)) in enumerate(letters):
        held = [word for word, home in zip(words, homes, strict=True) if home == place]
        pieces.append(Piece(first, last, held, runs[number]))
    return pieces


def _awkward(text: str, at: int) -> float:
    before = text[:at] or text
    if ends_sentence(before):
        return 0.0
    return AMID_CLAUSE if ends_clause(before) else AMID_SENTENCE


def _homes(spans: Iterable[tuple[float, float]], runs: Sequence[Run]) -> Iterator[int]:
    """Yield for each span the number of the run that holds most of it or is nearest; it never decreases."""
    earliest = 0
    for span in spans:
        start, end = (round(time * SAMPLE_RATE) for time in span)
        shares = [min(end, run[-1].end) - max(start, run[0].start) for run in runs[earliest:]]
        earliest += max(range(len(shares)), key=shares.__getitem__)
        yield earliest


def _segment(segment: Segment, piece: Piece, start: int, end: int) -> Segment:
    """Return the segment reduced to one piece of its text."""
    run = piece.run
    words = None if segment.words is None else _placed(piece.words, run, start, end)
    begins, ends = _span(run, max(start, run[0].start), min(end, run[-1].end))
    if words and start < run[0].start:
        begins = words[0].start
    if words and end > run[-1].end:
        ends = words[-1].end
    short = only(segment, lambda place: piece.first <= place < piece.last)
    return replace(
        short,
        text=segment.text[piece.first : piece.last].strip(),
        start=begins,
        end=max(begins, ends),
        words=_plain(words),
    )
