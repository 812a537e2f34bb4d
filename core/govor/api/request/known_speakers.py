"""The voices of known speakers, decoded from data URLs."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import tempfile
from pathlib import Path

import numpy as np

from govor.api.body.uploads import SPOOLED
from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.contract.audio import SAMPLE_RATE, Audio
from govor.engine.speakers.diarization import REFERENCES, KnownSpeaker
from govor.errors import InvalidAudio, InvalidParam
from govor.requests.speakers import SpeakerFields

SHORTEST, LONGEST = 2.0, 10.0  # seconds of a reference; OpenAI's limits
TOLERANCE = 0.1  # seconds: codecs add and swallow some
DATA_URL = re.compile(r"data:[^,;]*(?:;[^,;]+)*;base64,", re.IGNORECASE)


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
