"""A plugin that knows only the published names is checked by mypy without an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy", reason="mypy is not installed")

PLUGIN = '''
"""A typed plugin: it counts words of silence, in chunks and window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import govor

GOVOR_CONTRACT = (1, 0)


class Loaded:
    """Uses every published type of a recognizer."""

    def __init__(self, runtime: govor.RuntimeOptions) -> None:
        self.info = govor.RecognizerInfo(
            runtime,
            parallel=2,
            batch=4,
            batch_seconds=60.0,
            capabilities=frozenset({govor.Capability.LONG_FORM, govor.Capability.DETECT}),
        )
        self._vocabulary = govor.Vocabulary((b" one", b" two"))

    def transcribe(
        self, batch: Sequence[govor.Audio], options: govor.Options
    ) -> Sequence[Sequence[govor.Segment]]:
        return [[self._vocabulary.segment([0, 1], language=options.language)] for _ in batch]

    def transcribe_long(self, audio: govor.Audio, options: govor.Options) -> Iterator[govor.Segment | None]:
        yield None
        tokens = [govor.Token(0, b" one", -0.5, 0.0, len(audio) / govor.SAMPLE_RATE)]
        yield govor.segment_from_tokens(tokens, language="en")

    def detect(self, audio: govor.Audio) -> Sequence[tuple[str, float]]:
        return [("en", 1.0)]

    def close(self) -> None:
        pass


class Stream:
    """The state of one speaker's audio."""

    def __init__(self) -> None:
        self.samples = 0

    def close(self) -> None:
        pass


class Listener:
    """Only streams."""

    def __init__(self) -> None:
        self.info = govor.RecognizerInfo(capabilities=frozenset({govor.Capability.STREAM}))

    def open(self, options: govor.Options) -> govor.RecognizerStream:
        return Stream()

    def advance(
        self, fed: Sequence[tuple[govor.RecognizerStream, govor.Audio]]
    ) -> Sequence[govor.Update]:
        return [govor.Update((govor.Segment("one"),), govor.Segment(f"{len(audio)}")) for _, audio in fed]

    def finish(self, streams: Sequence[govor.RecognizerStream]) -> Sequence[Sequence[govor.Segment]]:
        return [[] for _ in streams]

    def close(self) -> None:
        pass


class Listening:
    """A family of one model that only streams."""

    def models(self) -> Sequence[govor.ModelSpec]:
        return [govor.ModelSpec("listener")]

    def load(self, spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions) -> govor.Streaming:
        return Listener()


class Family:
    """A family of one model."""

    def models(self) -> Sequence[govor.ModelSpec]:
        file = govor.ModelFile("a.bin", ("https://example.org/a.bin",), size=1)
        return [govor.ModelSpec("typed", (file,), features=frozenset({govor.Feature.WORDS}))]

    def load(self, spec: govor.ModelSpec, folder: Path, runtime: govor.RuntimeOptions) -> govor.Recognizer:
        if not (folder / spec.files[0].name).exists():
            raise govor.LoadFailed(f"{folder} has no {spec.files[0].name}")
        return Loaded(runtime)


@govor.hookimpl
def backend(settings: Mapping[str, Any]) -> govor.Backend:
    if settings:
        raise govor.ConfigurationError("[plugins.typed] has no keys")
    return Family()


streaming_family: govor.Backend = Listening()
long_form: govor.LongForm = Loaded(govor.RuntimeOptions("cpu", threads=1))
detector: govor.LanguageDetector = Loaded(govor.RuntimeOptions())
words: list[float | None] = [
    word.start for segment in long_form.transcribe([], govor.Options())[0] for word in segment.words or ()
]
'''

WRONG = {
    "info = govor.RecognizerInfo(bacth=8)": 'Unexpected keyword argument "bacth"',
    "token = govor.Token(1, 'text')": 'Argument 2 to "Token" has incompatible type',
    "segment = govor.Segment('a', token_ids=(1,))": 'Unexpected keyword argument "token_ids"',
    "names = govor.DecodedText": "DecodedText",
}


def check(folder: Path, text: str) -> str:
    """Return what mypy says of a module that stands alone."""
    (folder / "plugin.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, "plugin.py"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    return ran.stdout + ran.stderr


@pytest.mark.slow
def test_a_typed_plugin_needs_only_the_published_names(tmp_path: Path) -> None:
    assert check(tmp_path, PLUGIN).startswith("Success")
    told = check(tmp_path, "import govor\n\n" + "\n".join(WRONG))
    for mistake in WRONG.values():
        assert mistake in told
    assert f"Found {len(WRONG)} errors" in told
