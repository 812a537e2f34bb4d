"""Find the regions of speech in a recording, without transcribing it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from govor.audio.quiet_voices import Listener
from govor.audio.regions import Region, SpeechFinder, SpeechRules
from govor.contract.audio import SAMPLE_RATE, Audio, AudioSource
from govor.contract.recognizers import VoiceDetector
from govor.errors import AudioTooLong


def find_speech(
    source: AudioSource, detector: VoiceDetector, rules: SpeechRules, max_seconds: float = 0.0
) -> list[Region]:
    """Return the regions in order; reads block by block. Raises AudioTooLong (0: never)."""
    return speech_in(source.blocks(), detector, rules, max_seconds)


def speech_in(
    blocks: Iterable[Audio], detector: VoiceDetector, rules: SpeechRules, max_seconds: float = 0.0
) -> list[Region]:
    """Return the regions of audio in blocks. Raises AudioTooLong if `max_seconds` (0: any) are exceeded."""
    listener, finder = Listener(detector, rules.threshold), SpeechFinder(rules, detector.frame)
    regions: list[Region] = []
    rest: Audio = np.empty(0, np.float32)
    total = 0
    for block in blocks:
        total += len(block)
        if 0 < max_seconds * SAMPLE_RATE < total:
            raise AudioTooLong(
                f"The recording is longer than the {max_seconds:g} seconds that this server takes.",
                param="file",
            )
        fresh = np.concatenate([rest, block])
        whole = len(fresh) // detector.frame * detector.frame
        rest = fresh[whole:]
        if whole:
            regions += finder.add(listener.feed(fresh[:whole]))
    filled = np.zeros(detector.frame, np.float32)
    filled[: len(rest)] = rest
    last = np.concatenate([listener.feed(filled), listener.finish()])
    return regions + finder.add(last) + finder.finish(total)
