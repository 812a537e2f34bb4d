"""Which channels of a recording are heard apart, and what they are called. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count

from govor.errors import InvalidParam

MOST_CHANNELS = 8
"""Channels that are heard apart: each takes a decoder process and a place in the model's queue."""

NAMES = "channel_names"


@dataclass(frozen=True, slots=True)
class SeparateChannels:
    """Every channel is one party of a conversation, heard apart from the others."""

    names: tuple[str, ...] = ()
    """What the channels are called, in their order; what is left is called as the recording calls it."""


def channel_labels(parties: SeparateChannels, channels: Sequence[str]) -> tuple[str, ...]:
    """Return what each channel of a recording is called: no two are called alike.

    A single channel has a name only where one alone is given: of several names nobody knows which is meant.
    Raises InvalidParam for more channels than are heard apart.
    """
    if len(channels) > MOST_CHANNELS:
        raise InvalidParam(
            f"The recording has {len(channels)} channels, and {MOST_CHANNELS} at most are heard apart: leave "
            "'channels' out to have them mixed, or send fewer.",
            param="channels",
        )
    given = parties.names if len(channels) > 1 or len(parties.names) == 1 else ()
    names = list(given[: len(channels)])
    for number, name in enumerate(channels[len(names) :], start=len(names) + 1):
        others = (f"channel {other}" for other in count(number))
        names.append(next(one for one in chain([name], others) if one not in names))
    return tuple(names)
