"""Answers of a real model, computed once a run for each audio and its options."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from govor.contract.audio import Audio
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.plugins import Plugins


class RememberedAnswers:
    """A folder of answers, which all processes of a run share."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def get(self, key: str, compute: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        """Yield the items that `compute` yields; they are kept if it comes to its end."""
        path = self._folder / key
        if path.exists():
            yield from pickle.loads(path.read_bytes())
            return
        items = []
        for item in compute():
            items.append(item)
            yield item
        part = path.with_suffix(f".{os.getpid()}.{id(items)}")
        part.write_bytes(pickle.dumps(items))
        part.replace(path)


class RememberingRecognizer:
    """A loaded model that answers a call which was answered before in this run without computing.

    The tests of a dialect, of the SDKs and of the documentation's examples send the same few recordings with
    the same options: they need the text and times of a real model, not its computing. Tests of the model
    itself load it themselves, so they compute. All such servers have the same settings of the plugin.
    """

    def __init__(self, model: Any, name: str, answers: RememberedAnswers):
        self._model, self._name, self._answers = model, name, answers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def transcribe(self, batch: Sequence[Audio], options: Options) -> Sequence[Sequence[Segment]]:
        return [self._one(audio, options) for audio in batch]

    def transcribe_long(self, audio: Audio, options: Options) -> Iterator[Segment | None]:
        return self._get(("long", options), audio, lambda: self._model.transcribe_long(audio, options))

    def detect(self, audio: Audio) -> list[tuple[str, float]]:
        chances: list[tuple[str, float]]
        (chances,) = self._get(("detect",), audio, lambda: iter([self._model.detect(audio)]))
        return chances

    def close(self) -> None:
        self._model.close()

    def _one(self, audio: Audio, options: Options) -> Sequence[Segment]:
        segments: Sequence[Segment]
        (segments,) = self._get(
            ("transcribe", options), audio, lambda: iter(self._model.transcribe([audio], options))
        )
        return segments

    def _get(
        self, call: tuple[Any, ...], audio: Audio, compute: Callable[[], Iterator[Any]]
    ) -> Iterator[Any]:
        digest = hashlib.sha256(repr((self._name, *call)).encode())
        digest.update(audio.tobytes())
        return self._answers.get(digest.hexdigest(), compute)


def remember(plugins: Plugins, folder: Path) -> Plugins:
    """Let the models of the Whisper plugin among these remember answers in a folder of the whole run."""
    (backend,) = [plugin.backend for plugin in plugins if plugin.name == "whisper"]
    answers = RememberedAnswers(folder)
    load = cast("Any", backend).load

    def load_remembering(spec: Any, folder: Path, runtime: Any) -> RememberingRecognizer:
        return RememberingRecognizer(load(spec, folder, runtime), spec.id, answers)

    cast("Any", backend).load = load_remembering
    return plugins
