"""Try a model in a process of its own: a crash of native code there fails one test, and not the suite.

Every call that the suite needs is made once; the tests examine the results.
"""

from __future__ import annotations

import json
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from threading import Barrier
from typing import Any, TypeAlias

import numpy as np

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.models import Feature, ModelSpec, RuntimeOptions
from govor.contract.recognizers import Options, Recognizer
from govor.contract.results import Segment
from govor.contract.streaming import Streaming
from govor.jobs.storage.segments import dump_segment, load_segment
from govor.models.checks import loaded_fault, result_fault
from govor.models.streamed import transcribe
from govor.testing.endings import Ending, run_watched
from govor.testing.faults import Unfit, segments_faults
from govor.testing.sound import read_only, silence
from govor.testing.streams import STREAMED, stream_stages

LOAD = "load"
BEGUN = "begun.json"
"""Written when a process has imported what it needs: the time of the first stage counts from here."""
ALONE = ("speech", "quiet", "half")
"""One array each: the speech, a second of silence, the first half of the speech."""
STAGES = (LOAD, *ALONE, "details", "input", "batch", "empty", "sample", "parallel", *STREAMED, "close")
"""All stages, in this order."""

START = "from govor.testing.rehearsal import perform; import sys; perform(sys.argv[1])"
CRASH = "The process ended"
HANG = "The process was ended"
LINES = 12
"""Number of last lines of output that are shown of a process that crashed."""


Arrays: TypeAlias = Sequence[Sequence[Segment]]
"""The segments of each array of a call."""
Stage: TypeAlias = Callable[[], Arrays]


@dataclass(frozen=True, slots=True)
class Play:
    """Arguments of the process. Paths are strings."""

    plugin: str
    settings: Mapping[str, Any]
    model: str
    device: str
    files: str
    folder: str
    """Folder of the audio, and of the results of each stage."""
    stages: Sequence[str] = STAGES
    stage_seconds: float = 600.0
    """Seconds after which a stage counts as hanging."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one stage."""

    arrays: Arrays = ()
    """The segments of each array."""
    fault: str = ""
    """Why it failed, for the author of the backend; "": it succeeded."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The results of all stages."""

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)

    def fault(self, stage: str) -> str:
        """Return why a stage failed; "" if it succeeded."""
        return self.outcomes[stage].fault

    @property
    def crashed(self) -> bool:
        """Whether a process crashed or was ended."""
        return any(outcome.fault.startswith((CRASH, HANG)) for outcome in self.outcomes.values())


def rehearse(play: Play, sounds: Sequence[Audio]) -> Rehearsal:
    """Try a model on three arrays. After a crash or a hang a further process goes on with the next stage."""
    folder = Path(play.folder)
    for name, sound in zip(ALONE, sounds, strict=True):
        np.save(folder / f"{name}.npy", sound)
    outcomes: dict[str, Outcome] = {}
    left = list(STAGES)
    while left:
        play_file = folder / "play.json"
        play_file.write_text(json.dumps({**asdict(play), "stages": left}), encoding="utf-8")
        command = [sys.executable, "-X", "faulthandler", "-c", START, str(play_file)]
        ending = run_watched(command, folder, play.stage_seconds)
        outcomes |= _found(folder, left)
        left = [stage for stage in left if stage not in outcomes]
        if left:
            outcomes[left[0]] = Outcome(fault=_crash(left[0], ending))
        if outcomes[LOAD].fault:
            outcomes |= {stage: Outcome(fault="load() failed") for stage in left if stage != LOAD}
            break
        left = left[1:]
    return Rehearsal(outcomes)


def perform(path: str) -> None:
    """Run the stages, in the process that `rehearse` has started."""
    from govor.testing.subject import open_plugins

    play = Play(**json.loads(Path(path).read_text(encoding="utf-8")))
    folder = Path(play.folder)
    (plugin,) = open_plugins(play.plugin, play.settings)
    backend = plugin.backend
    assert backend is not None, plugin.reason
    (spec,) = (spec.in_precision("auto") for spec in backend.models() if spec.id == play.model)
    loaded: list[Recognizer | Streaming] = []
    (folder / BEGUN).touch()  # importing libraries is none of the stages

    def load() -> Arrays:
        loaded.append(backend.load(spec, Path(play.files), RuntimeOptions(play.device)))
        if fault := loaded_fault(loaded[0]):
            raise Unfit(fault)
        return ()

    outcome = _tried(load)
    _note(folder, LOAD, outcome)
    calls = _calls(loaded[0], folder, spec) if not outcome.fault else {}
    for stage in play.stages:
        if stage in calls:
            _note(folder, stage, _tried(calls[stage]))


def _calls(recognizer: Recognizer | Streaming, folder: Path, spec: ModelSpec) -> dict[str, Stage]:
    speech, quiet, half = (read_only(np.load(folder / f"{name}.npy")) for name in ALONE)
    detailed = Options(words=Feature.WORDS in spec.features, logprobs=Feature.LOGPROBS in spec.features)

    def call(*arrays: Audio, options: Options | None = None) -> Arrays:
        given = transcribe(recognizer, list(arrays), options or Options())
        if fault := result_fault(given, len(arrays)):
            raise Unfit(fault)
        return given

    def details() -> Arrays:
        found = call(speech, options=detailed)
        if faults := segments_faults(found[0], len(speech) / SAMPLE_RATE):
            raise Unfit("\n".join(faults))
        return found

    def look() -> Arrays:
        if not np.array_equal(speech, np.load(folder / f"{ALONE[0]}.npy")):
            raise Unfit("transcribe() changed its input: others hold the same array, so work on a copy")
        return ()

    def together() -> Arrays:
        count = recognizer.info.parallel
        with ThreadPoolExecutor(count) as threads:
            begin = Barrier(count)  # else a quick call could end before the next one begins

            def call_together(sound: Audio) -> Sequence[Segment]:
                begin.wait()
                return call(sound)[0]

            sounds = [(speech, quiet, half)[number % 3] for number in range(count)]
            return list(threads.map(call_together, sounds))

    def close() -> Arrays:
        recognizer.close()
        return ()

    return {
        "speech": lambda: call(speech),
        "quiet": lambda: call(quiet),
        "half": lambda: call(half),
        "details": details,
        "input": look,
        "batch": lambda: call(quiet, half),
        "empty": call,
        "sample": lambda: call(silence(1 / SAMPLE_RATE)),
        "parallel": together,
        **stream_stages(recognizer, (speech, quiet, half)),
        "close": close,
    }


def _tried(call: Stage) -> Outcome:
    try:
        return Outcome(tuple(call()))
    except Unfit as error:
        return Outcome(fault=str(error))
    except Exception:  # noqa: BLE001 - a plugin may raise anything; it is told
        return Outcome(fault=f"It raised an error.\n{traceback.format_exc()}")


def _note(folder: Path, stage: str, outcome: Outcome) -> None:
    """Write an outcome atomically."""
    arrays, fault = [], outcome.fault
    try:
        arrays = [[dump_segment(segment) for segment in segments] for segments in outcome.arrays]
        for text in chain(*arrays):
            load_segment(text)
    except Exception as error:  # noqa: BLE001 - a Segment may hold anything
        fault = f"A Segment has a field of a wrong type: {error}"
    part = folder / f"{stage}.part"
    part.write_text(json.dumps({"arrays": arrays, "fault": fault}), encoding="utf-8")
    part.replace(folder / f"{stage}.json")


def _found(folder: Path, stages: Sequence[str]) -> dict[str, Outcome]:
    found = {}
    for stage in stages:
        path = folder / f"{stage}.json"
        if path.exists():
            told = json.loads(path.read_text(encoding="utf-8"))
            arrays = () if told["fault"] else [list(map(load_segment, own)) for own in told["arrays"]]
            found[stage] = Outcome(arrays, told["fault"])
    return found


def _crash(stage: str, ending: Ending) -> str:
    told = "\n".join(ending.said.splitlines()[-LINES:])
    if ending.hung_seconds is not None:
        how = f"{HANG} after {ending.hung_seconds:g} s while '{stage}' was tried: it hangs, or needs more"
        return f"{how} `stage_seconds`. It said last:\n{told}"
    if ending.status < 0:
        how = f"by {signal.Signals(-ending.status).name} while '{stage}' was tried. Native code crashes so;"
    else:
        how = f"with status {ending.status} while '{stage}' was tried;"
    return f"{CRASH} {how} it said last:\n{told}"
