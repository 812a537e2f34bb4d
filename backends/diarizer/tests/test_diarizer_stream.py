"""From windows to turns, with a fake network whose results the test sets."""

import tracemalloc

import numpy as np
import pytest

from govor_diarizer.segmentation import FRAMES, HOP, VOICES, WINDOW
from govor_diarizer.settings import DiarizerSettings
from govor_diarizer.stream import STEP, Piece, Stream, Voice

RATE = 16_000
ANN, BEN, EVE = np.eye(8, dtype=np.float32)[:3]


class Talk:
    """Knows the turns; the sample at n has the value n + 1, so that a window's place is known."""

    def __init__(self, *spans, seconds):
        self.spans = spans
        self.audio = np.arange(1, round(seconds * RATE) + 1, dtype=np.float64)
        self.windows = []

    def analyse(self, audio):
        begin = round(audio[0]) - 1
        self.windows.append((begin, len(audio)))
        middles = (begin + np.arange(FRAMES) * HOP + 495) / RATE
        order = np.roll(np.arange(VOICES), len(self.windows))  # as with the network, columns mean nothing
        activity, people = np.zeros((FRAMES, VOICES), np.bool_), []
        for start, end, who in self.spans:
            inside = (middles >= start) & (middles < end)
            if inside.any():
                if not any(who is other for other in people):
                    people.append(who)
                column = next(at for at, other in enumerate(people) if other is who)
                activity[:, order[column]] |= inside
        activity[len(audio) // HOP :] = False
        heard = [round(activity[:, column].sum() * HOP / 160) for column in order]
        return activity, [
            Voice(int(column), frames, who)
            for column, frames, who in zip(order, heard, people, strict=False)
            if frames >= 20
        ]

    def diarize(self, *known, block=64_000, **settings):
        stream = Stream(self.analyse, known, DiarizerSettings(**settings))
        for first in range(0, len(self.audio), block):
            stream.feed(self.audio[first : first + block])
        return stream.finish()


def rounded(turns):
    return [(round(turn.start, 1), round(turn.end, 1), turn.speaker) for turn in turns]


def test_speakers_keep_their_numbers_from_window_to_window():
    talk = Talk((1, 8, ANN), (9, 16, BEN), (17, 25, ANN), (26, 34, BEN), seconds=35)
    assert rounded(talk.diarize()) == [(1, 8, 0), (9, 16, 1), (17, 25, 0), (26, 34, 1)]


def test_two_who_speak_at_once_have_overlapping_turns():
    talk = Talk((1, 6, ANN), (5, 12, BEN), seconds=14)
    assert rounded(talk.diarize()) == [(1, 6, 0), (5, 12, 1)]


def test_the_size_of_the_blocks_makes_no_difference():
    spans = ((1, 8, ANN), (9, 16, BEN), (17, 25, ANN))
    whole = Talk(*spans, seconds=27).diarize(block=10**9)
    assert Talk(*spans, seconds=27).diarize(block=1_111) == whole


def test_windows_follow_one_another_and_reach_the_end():
    talk = Talk(seconds=21)
    talk.diarize()
    begins = [begin for begin, _ in talk.windows]
    assert begins == list(range(0, len(begins) * STEP, STEP))
    assert talk.windows[-1][0] + talk.windows[-1][1] == 21 * RATE
    assert all(length <= WINDOW for _, length in talk.windows)


@pytest.mark.parametrize("seconds", [0, 0.001, 0.5, 10.0])
def test_without_speech_there_are_no_turns(seconds):
    assert Talk(seconds=seconds).diarize() == []


def test_a_recording_of_exactly_one_window_is_processed_once():
    talk = Talk((1, 8, ANN), seconds=10)
    assert rounded(talk.diarize()) == [(1, 8, 0)]
    assert len(talk.windows) == 1


def test_known_speakers_have_their_own_numbers_and_others_the_next():
    talk = Talk((1, 8, EVE), (9, 16, BEN), seconds=18)
    turns = talk.diarize(ANN, BEN)
    assert turns[1].speaker == 1
    assert turns[0].speaker > 1


def test_a_voice_less_alike_than_the_known_threshold_is_a_new_speaker():
    like_ann = (ANN + 2 * EVE) / np.sqrt(5, dtype=np.float32)  # cosine 0.45 to Ann
    talk = Talk((1, 8, like_ann), seconds=10)
    assert rounded(talk.diarize(ANN, known_threshold=0.4)) == [(1, 8, 0)]
    assert rounded(talk.diarize(ANN, known_threshold=0.5)) == [(1, 8, 1)]


def test_of_two_voices_like_a_known_one_only_the_nearer_bears_the_name():
    like_ann = (ANN + 1.3 * EVE) / np.sqrt(2.69, dtype=np.float32)  # 0.61, so it is a second cluster of hers
    less_so = (ANN + 1.5 * BEN) / np.sqrt(3.25, dtype=np.float32)  # 0.55
    talk = Talk((1, 8, less_so), (9, 16, ANN), (17, 24, like_ann), seconds=26)
    turns = talk.diarize(ANN, threshold=0.9)
    assert [turn.speaker == 0 for turn in turns] == [False, True, True]


def test_a_short_pause_ends_no_turn():
    assert rounded(Talk((1, 4, ANN), (4.2, 8, ANN), seconds=10).diarize()) == [(1, 8, 0)]
    assert rounded(Talk((1, 4, ANN), (4.4, 8, ANN), seconds=10).diarize()) == [(1, 4, 0), (4.4, 8, 0)]


def test_a_brief_voice_goes_to_the_speaker_it_is_most_like():
    almost_ann = (3 * ANN + BEN) / np.sqrt(10, dtype=np.float32)
    talk = Talk((1, 8, ANN), (8.5, 9.5, almost_ann), seconds=10)
    assert {turn.speaker for turn in talk.diarize(threshold=0.99)} == {0}


class Muddled(Talk):
    """Takes all speakers in a window for one voice; only its pieces show which speakers they are."""

    def analyse(self, audio):
        activity, voices = super().analyse(audio)
        pieces = []
        for voice in voices:
            frames = np.flatnonzero(activity[:, voice.column])
            pieces.append(Piece(int(frames[0]), int(frames[-1]) + 1, voice.print))
        together = np.zeros_like(activity)
        together[:, 0] = activity.any(axis=1)
        if not voices:
            return together, []
        longest = max(voices, key=lambda voice: voice.frames)
        return together, [Voice(0, longest.frames, longest.print, tuple(pieces))]


def test_two_people_taken_for_one_voice_are_separated_by_its_pieces():
    talk = Muddled((1, 7, ANN), (7.5, 9, BEN), (16, 26, BEN), seconds=30)
    assert rounded(talk.diarize()) == [(1, 7, 0), (7.5, 9, 1), (16, 26, 1)]


def test_an_hour_is_kept_in_little_memory():
    draw = np.random.default_rng(0)
    people = draw.normal(size=(4, 256)).astype(np.float32)

    def analyse(audio):
        """A busy window: two people, in pieces of two seconds."""
        activity = np.zeros((FRAMES, VOICES), np.bool_)
        activity[: FRAMES // 2, 0] = activity[FRAMES // 2 :, 1] = True
        voices = []
        for column, who in enumerate(draw.choice(4, 2, replace=False)):
            prints = people[who] + draw.normal(0, 0.5, (3, 256)).astype(np.float32)
            prints /= np.linalg.norm(prints, axis=1, keepdims=True)
            pieces = tuple(Piece(at * 98, at * 98 + 98, prints[at]) for at in range(3))
            voices.append(Voice(column, 480, prints.mean(axis=0), pieces))
        return activity, voices

    stream = Stream(analyse, (), DiarizerSettings())
    block = np.zeros(10 * RATE, np.float32)
    tracemalloc.start()
    try:
        for _ in range(360):
            stream.feed(block)
        kept, _ = tracemalloc.get_traced_memory()
        assert len(stream.finish()) > 100
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 30e6
    assert peak < 120e6
