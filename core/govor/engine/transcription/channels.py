"""The names of channels that are transcribed apart. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count

from govor.decoder.wire import MOST_APART
from govor.errors import InvalidParam

MOST_CHANNELS = MOST_APART
"""Most channels that are transcribed apart: each takes a resampler and a task in the model's queue."""

NAMES = "channel_names"


@dataclass(frozen=True, slots=True)
class SeparateChannels:
    """Every channel is one side of a conversation and is transcribed apart from the others."""

    names: tuple[str, ...] = ()
    """Names of the channels, in order; further channels have the names that the recording gives them."""


def channel_labels(apart: SeparateChannels, channels: Sequence[str]) -> tuple[str, ...]:
    """Return the name of each channel of a recording, all different.

    A single channel gets a given name only if one name is given: of several, the right one is unknown.
    Raises InvalidParam for more than `MOST_CHANNELS`.
    """
    if len(channels) > MOST_CHANNELS:
        raise InvalidParam(
            f"The recording has {len(channels)} channels, and {MOST_CHANNELS} at most are transcribed apart: "
            "leave 'channels' out to have them mixed, or send fewer.",
            param="channels",
        )
    given = apart.names if len(channels) > 1 or len(apart.names) == 1 else ()
    names = list(given[: len(channels)])
    for number, name in enumerate(channels[len(names) :], start=len(names) + 1):
        others = (f"channel {other}" for other in count(number))
        names.append(next(one for one in chain([name], others) if one not in names))
    return tuple(names)
