"""How a recording is cut for a model, and which options the model gets. Pure."""

from __future__ import annotations

from dataclasses import replace

from govor.audio.chunking import ChunkSizes
from govor.audio.regions import SpeechRules
from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Options

LONG_FORM_RULES = SpeechRules(silence=2.0, padding=0.4)  # faster-whisper's own, for the same texts
SEGMENT_RULES = SpeechRules(silence=0.5, padding=0.2)
TARGET_SECONDS = 10.0  # measured best for models without a window of their own
GAP_SECONDS = 3.0  # subtitles must not span a longer silence
OVERLAP_SECONDS = 1.5  # of chunks that are cut amid speech: a long word and its neighbours


def plan(spec: ModelSpec, long_form: bool, rules: SpeechRules | None) -> tuple[SpeechRules, ChunkSizes]:
    """Return the rules for regions and the chunk sizes for a model."""
    longest, rim = spec.max_seconds, spec.edge_padding
    if long_form:
        return rules or LONG_FORM_RULES, ChunkSizes(longest, longest, rim=rim)
    return rules or SEGMENT_RULES, ChunkSizes(longest, TARGET_SECONDS, GAP_SECONDS, OVERLAP_SECONDS, rim)


def in_detail(options: Options, spec: ModelSpec) -> Options:
    """Return the options with all details that help to join overlapping chunks, even if not asked for."""
    return replace(options, words=Feature.WORDS in spec.features, logprobs=Feature.LOGPROBS in spec.features)
