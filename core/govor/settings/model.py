"""Settings of one model, the tables [models.ID] of plugins.toml, and sizes of memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
OWN_DEVICES = ("auto", "cpu", "cuda", "mps")
"""Devices that no executor of a plugin may claim."""

DEVICE = rf"^(auto|cpu|mps|cuda(:[0-9]{{1,3}})?|(?!({'|'.join(OWN_DEVICES)}):)[a-z][a-z0-9_-]*:[^\s:].*)$"
BINARY_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def parse_bytes(value: Any) -> Any:
    """Turn "2GB", "1.5 G" or "512MiB" into bytes. Raises ValueError.

    >>> parse_bytes("1.5 GB"), parse_bytes("512MiB")
    (1500000000, 536870912)
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?\s*", value.upper())
    if not match or (match[3] and not match[2]):
        raise ValueError("must be a number of bytes, as in 2000000000, 2GB or 1500MiB")
    return int(float(match[1]) * (BINARY_UNITS if match[3] else UNITS)[match[2]])


def check_device(value: Any) -> Any:
    """Return a device that torch or CTranslate2 accepts, or an executor's. Raises ValueError for others."""
    if isinstance(value, str) and not re.fullmatch(DEVICE, value):
        raise ValueError(
            "must be auto, cpu, cuda, cuda:1 or another number, mps, or SCHEME:NAME of a plugin's executor"
        )
    return value


def scheme_of(device: str) -> str:
    """Return the scheme of an executor's device; "" for all other devices.

    >>> scheme_of("ray:gpu"), scheme_of("cuda:1")
    ('ray', '')
    """
    scheme, colon, _ = device.partition(":")
    return scheme if colon and scheme not in OWN_DEVICES else ""


Bytes = Annotated[int, BeforeValidator(parse_bytes)]
Device = Annotated[str, AfterValidator(check_device), WithJsonSchema({"type": "string", "pattern": DEVICE})]


def plain_name(name: str) -> str:
    """Return the name of a model as it can stand in an environment variable."""
    return "".join(letter if letter.isalnum() else "_" for letter in name.casefold())


class ModelSettings(BaseModel):
    """One table [models.ID]. A missing key has the value for all models, or the plugin's choice."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    device: Device | None = Field(None, description="Where it runs: auto, cpu, cuda, cuda:1, mps.")
    precision: str | None = Field(
        None, min_length=1, description="Number format: auto, fp32, fp16, bf16, int8."
    )
    threads: int | None = Field(
        None, ge=0, le=4096, description="CPU threads of one call; 0: the plugin chooses."
    )
    workers: int | None = Field(None, ge=0, le=4096, description="Calls at once; 0: the plugin chooses.")
    ttl: float | None = Field(
        None,
        ge=-1,
        allow_inf_nan=False,
        description="Seconds that it stays in memory unused; -1: until the server stops, 0: not at all.",
    )
    pin: bool | None = Field(None, description="Keep it in memory, whatever ttl and memory_budget say.")
    preload: bool | None = Field(None, description="Load it at start, in the background.")

    def over(self, other: ModelSettings) -> ModelSettings:
        """Return these settings, with the other's value for each key that they lack."""
        return other.model_copy(update=self.model_dump(exclude_none=True))


def settings_of(names: Iterable[str], tables: Mapping[str, ModelSettings]) -> ModelSettings:
    """Return the settings in all tables [models.NAME] of a model that has these names."""
    plain = {plain_name(name) for name in names}
    said = ModelSettings()
    # names from the environment have underscores, and the environment overrides the file
    for name in sorted(tables, key=lambda name: name == plain_name(name)):
        if plain_name(name) in plain:
            said = tables[name].over(said)
    return said
