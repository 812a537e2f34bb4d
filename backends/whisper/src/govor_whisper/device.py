"""The device of a model: device names, number types and threads in CTranslate2's terms.

Knows nothing of models; imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import govor

SYNONYMS = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
"""CTranslate2's names for names that all backends know."""

PREFERRED = {"cpu": ("int8", "float32"), "cuda": ("float16", "int8", "float32")}
"""Types for compute_type "auto": the first that the device supports is used."""

BATCHES = {"cpu": 4, "cuda": 8}
"""Windows of long audio at a time. On a CPU each adds about a second to the wait of other tasks."""

SMALL_WEIGHTS = 200_000_000
"""Bytes: base has 145 MB, small 484 MB."""


def place(device: str, gpus: int) -> tuple[str, int]:
    """Return (kind, index) for "auto", "cpu", "cuda" or "cuda:1"; CTranslate2 sees `gpus` CUDA devices.

    Raises LoadFailed if there is no such device.
    """
    if device == "mps":
        raise govor.LoadFailed(
            "Whisper cannot run on 'mps': CTranslate2 has no Metal backend. Use device 'cpu' or 'auto'."
        )
    chosen = govor.choose_device(device, family="Whisper", library="CTranslate2", cuda=gpus)
    kind, _, index = chosen.partition(":")
    return kind, int(index or 0)


def choose_number_type(requested: str, kind: str, supported: AbstractSet[str]) -> str:
    """Return the compute type to load with; `supported` are those of the device.

    Raises LoadFailed for any other.
    """
    if requested == "auto":
        return next(candidate for candidate in PREFERRED[kind] if candidate in supported)
    number_type = SYNONYMS.get(requested, requested)
    if number_type not in supported:
        known = ", ".join(sorted(supported))
        raise govor.LoadFailed(f"Whisper cannot compute in '{requested}' on '{kind}' here: there is {known}.")
    return number_type


def choose_batch(way: str, size: int, kind: str) -> int:
    """Return how many windows of long audio are decoded at a time; 0: one after the other, sequentially.

    `way` "auto" is sequential: batches have not been measured to be better on any device. `size` 0 means the
    device's default.
    """
    if way != "batched":
        return 0
    return size or BATCHES[kind]


def choose_workers(kind: str, weights: int, threads: int, cores: int) -> int:
    """Return the default number of calls at once: two of a small model on a CPU, else one.

    `weights` is in bytes; `threads` is the number for each, 0 if not set. On two cores base does 1.9
    times as much with two workers of one thread as with one of two, and about as much for one recording
    alone; small does 1.3 times as much, but takes 1.4 times as long for one.
    """
    fits = cores >= 2 * max(threads, 1)
    return 2 if kind == "cpu" and weights <= SMALL_WEIGHTS and fits else 1


def share_cores(threads: int, workers: int) -> int:
    """Return the threads of each worker; `threads` 0 divides the cores this process may use."""
    return threads or max(1, govor.usable_cores() // workers)
