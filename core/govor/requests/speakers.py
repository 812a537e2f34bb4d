"""Speakers of a recording: fields that name the known ones, and how many there are."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, model_validator

from govor.contract.recognizers import Capability
from govor.engine.service import Service
from govor.engine.speakers.diarization import REFERENCES, Diarize
from govor.errors import InvalidParam
from govor.models.catalogue import Model

MOST = 4
MOST_PEOPLE = 100


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


class SpeakerCounts(BaseModel):
    """Fields that say how many people speak. Validation raises InvalidParam if they contradict each other."""

    num_speakers: int = Field(0, ge=0, le=MOST_PEOPLE, description="Number of speakers; 0: it is detected.")
    min_speakers: int = Field(0, ge=0, le=MOST_PEOPLE, description="Smallest number of speakers.")
    max_speakers: int = Field(0, ge=0, le=MOST_PEOPLE, description="Largest number of speakers; 0: no limit.")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        count_people(self.num_speakers, self.min_speakers, self.max_speakers)
        return self

    @property
    def people(self) -> tuple[int, int | None]:
        """Least and most speakers, None for no limit."""
        return count_people(self.num_speakers, self.min_speakers, self.max_speakers)

    @property
    def counts(self) -> tuple[str, ...]:
        """Names of these fields that are set."""
        return tuple(name for name in SpeakerCounts.model_fields if getattr(self, name))


class SpeakerFields(SpeakerCounts):
    """Fields for the speakers of the recording: those who are known, and how many there are."""

    known_speaker_names: list[str] = Field(
        [], max_length=MOST, description="Names of speakers who may occur, four at most."
    )
    known_speaker_references: list[str] = Field(
        [],
        max_length=MOST,
        description="For each name, 2 to 10 s of that voice as a data URL: data:audio/wav;base64,…",
    )

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


async def not_counted(service: Service, asked: Diarize | None, counts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields `counts` if the diarizer ignores numbers of speakers, else none."""
    if asked is None or not counts or await can_count(service, asked.model):
        return ()
    return counts


async def can_count(service: Service, model: Model) -> bool:
    """Return whether a diarizer takes a number of speakers. Raises DownloadFailed, LoadFailed."""
    await service.fetch_missing(model)
    async with service.pool.lease(model) as loaded:
        return Capability.COUNT in loaded.capabilities
