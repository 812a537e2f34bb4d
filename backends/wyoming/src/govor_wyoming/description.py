"""The description of the models for clients."""

from __future__ import annotations

from collections.abc import Sequence

from wyoming.info import AsrModel, AsrProgram, Attribution, Info

import govor

HUB = "https://huggingface.co/"


def describe(models: Sequence[govor.ServedModel], version: str) -> Info:
    """Return the answer to `describe`: one program, with the models in the order given."""
    program = AsrProgram(
        name="govor",
        attribution=Attribution("Govor", ""),
        installed=True,
        description="Govor: many speech-to-text models behind one server",
        version=version,
        models=[_model(model) for model in models],
        supports_transcript_streaming=True,
    )
    return Info(asr=[program])


def _model(model: govor.ServedModel) -> AsrModel:
    return AsrModel(
        name=model.id,
        attribution=_attribution(model),
        installed=True,
        description=model.spec.description or model.id,
        version=None,
        languages=list(model.languages),
    )


def _attribution(model: govor.ServedModel) -> Attribution:
    """Name the publisher of the files if they are from the hub; else the plugin that runs them."""
    repository = model.spec.repository or next(
        (
            source.removeprefix("hf:")
            for file in model.spec.files
            for source in file.sources
            if source.startswith("hf:")
        ),
        "",
    )
    name = repository.partition("@")[0]
    return Attribution(name.partition("/")[0], HUB + name) if name else Attribution(model.plugin, "")
