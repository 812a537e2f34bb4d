"""Known speakers: the fields that name them, and their voices, decoded from data URLs."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import tempfile
from pathlib import Path

import numpy as np
from pydantic import BaseModel, Field

from govor.api.body.uploads import SPOOLED
from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.contract.recognition import SAMPLE_RATE, Audio
from govor.engine.speakers.diarization import REFERENCES, KnownSpeaker
from govor.errors import InvalidAudio, InvalidParam

MOST = 4
MOST_PEOPLE = 100
SHORTEST, LONGEST = 2.0, 10.0  # seconds of a reference; OpenAI's limits
TOLERANCE = 0.1  # seconds: codecs add and swallow some
DATA_URL = re.compile(r"data:[^,;]*(?:;[^,;]+)*;base64,", re.IGNORECASE)


COUNTS = ("num_speakers", "min_speakers", "max_speakers")
"""Fields that say how many people speak."""


def count_people(exactly: int, least: int, most: int) -> tuple[int, int | None]:
    """Return the least and most speakers, None for no limit; an argument of 0 is unset.

    Raises InvalidParam if the numbers contradict each other.
    """
    if most and least > most:
        raise InvalidParam(
            f"'min_speakers' is {least} and 'max_speakers' is {most}: they are the wrong way round.",
            param="min_speakers",
        )
    if exactly and not least <= exactly <= (most or exactly):
        raise InvalidParam(
            f"'num_speakers' is {exactly}, which 'min_speakers' and 'max_speakers' rule out: leave them out.",
            param="num_speakers",
        )
    return exactly or least, exactly or most or None


class SpeakerFields(BaseModel):
    """Fields for the speakers of the recording: those who are known, and how many there are."""

    known_speaker_names: list[str] = Field(
        [], max_length=MOST, description="Names of speakers who may occur, four at most."
    )
    known_speaker_references: list[str] = Field(
        [],
        max_length=MOST,
        description="For each name, 2 to 10 s of that voice as a data URL: data:audio/wav;base64,…",
    )

    num_speakers: int = Field(0, ge=0, le=MOST_PEOPLE, description="Number of speakers; 0: it is detected.")
    min_speakers: int = Field(0, ge=0, le=MOST_PEOPLE, description="Smallest number of speakers.")
    max_speakers: int = Field(0, ge=0, le=MOST_PEOPLE, description="Largest number of speakers; 0: no limit.")

    @property
    def people(self) -> tuple[int, int | None]:
        """Least and most speakers, None for no limit. Raises InvalidParam, as `check_people` does."""
        return count_people(self.num_speakers, self.min_speakers, self.max_speakers)

    @property
    def counts(self) -> tuple[str, ...]:
        """Names of the fields with numbers of speakers that are set."""
        return tuple(name for name in COUNTS if getattr(self, name))

    def check_people(self) -> None:
        """Raise InvalidParam if the numbers of speakers contradict each other."""
        count_people(self.num_speakers, self.min_speakers, self.max_speakers)

    def check_known(self) -> None:
        """Raise InvalidParam for names without references, and for a name that occurs twice."""
        names, references = len(self.known_speaker_names), len(self.known_speaker_references)
        if names != references:
            raise InvalidParam(
                f"There are {names} known_speaker_names and {references} known_speaker_references; "
                "each name needs one reference.",
                param=REFERENCES if references < names else "known_speaker_names",
            )
        if len(set(self.known_speaker_names)) < names:
            raise InvalidParam("A known speaker is named twice.", param="known_speaker_names")


async def known_speakers(
    fields: SpeakerFields, decoders: Decoders, spool_dir: Path | None
) -> tuple[KnownSpeaker, ...]:
    """Decode the references. Raises InvalidParam if one is no data URL, not audio, too short or too long."""
    pairs = zip(fields.known_speaker_names, fields.known_speaker_references, strict=True)
    return tuple(
        [
            KnownSpeaker(name, await asyncio.to_thread(_voice, name, url, decoders, spool_dir))
            for name, url in pairs
        ]
    )


def _voice(name: str, url: str, decoders: Decoders, spool_dir: Path | None) -> Audio:
    try:
        audio = _decode(_content(url), decoders, spool_dir)
    except (InvalidAudio, ValueError) as error:
        raise InvalidParam(f"The reference of '{name[:80]}': {error}", param=REFERENCES) from error
    seconds = len(audio) / SAMPLE_RATE
    if not SHORTEST - TOLERANCE <= seconds <= LONGEST + TOLERANCE:
        length = f"longer than {LONGEST:g}" if seconds > LONGEST else f"{seconds:.1f}"
        raise InvalidParam(
            f"The reference of '{name[:80]}' is {length} seconds long; it must have {SHORTEST:g} to "
            f"{LONGEST:g}.",
            param=REFERENCES,
        )
    return audio


def _content(url: str) -> bytes:
    """Return the content of a data URL. Raises ValueError."""
    head = DATA_URL.match(url.strip())
    if head is None:
        raise ValueError("it is no data URL; write data:audio/wav;base64,… with the recording in base64.")
    try:
        return base64.b64decode("".join(url.strip()[head.end() :].split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"it is no valid base64: {error}.") from error


def _decode(data: bytes, decoders: Decoders, spool_dir: Path | None) -> Audio:
    """Decode to mono at 16 kHz, at most LONGEST + 1 s and a block. Raises InvalidAudio."""
    with tempfile.NamedTemporaryFile(prefix=SPOOLED, dir=spool_dir) as file:
        file.write(data)
        file.flush()
        with Recording(Path(file.name), decoders) as recording:
            blocks, samples = [], 0
            for block in recording.blocks(1.0):
                blocks.append(block)
                samples += len(block)
                if samples > (LONGEST + 1) * SAMPLE_RATE:
                    break
    audio: Audio = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    audio.flags.writeable = False
    return audio
