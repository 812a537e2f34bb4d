"""Speech for subtitles, and the content of their files."""

from govor.contract.results import Segment, Word

SENTENCES = (
    "Поезд опаздывает на час. Пассажиры ждут на платформе, пьют чай и смотрят на снег. Скоро стемнеет."
)


def spoken(text, seconds_per_word=0.5, pauses=None):
    """Return a segment of evenly spaced words, with `pauses`: seconds before the n-th word."""
    words, clock = [], 0.0
    for number, word in enumerate(text.split()):
        clock += (pauses or {}).get(number, 0.0)
        words.append(Word(word, clock, clock + seconds_per_word))
        clock += seconds_per_word
    return Segment(text, 0.0, clock, tuple(words))


def blocks(body):
    return [block.split("\n") for block in body.split("\n\n") if block]


def texts(body):
    return ["\n".join(lines[2:]) for lines in blocks(body)]


def times(body):
    return [tuple(map(_seconds, lines[1].split(" --> "))) for lines in blocks(body)]


def _seconds(written):
    hours, minutes, seconds = written.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
