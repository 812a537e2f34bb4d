"""Every call of the OpenAI SDK that a client of Govor makes, by whichever version runs it; printed as JSON.

calls.mjs makes the same ones. Arguments: server, recording, silence, a server that asks for the key "right"
and has the model "away" to delete.
"""

import asyncio
import json
import sys
import warnings
from pathlib import Path

import openai

base, recording, silence, guarded = sys.argv[1:]


def code_of(call):
    """Return the class, status and code of the error that a call ends with."""
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code]
    return None


def main(client):
    create = client.audio.transcriptions.create
    file = Path(recording)
    out = {"version": openai.__version__, "formats": {}}
    out["text"] = create(model="whisper-1", file=file).text
    for name in ("json", "text", "srt", "vtt", "verbose_json"):
        answer = create(model="echo", file=file, response_format=name)
        out["formats"][name] = answer if isinstance(answer, str) else answer.text
    timed = create(
        model="whisper-1",
        file=file,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    out["words"] = [word.word for word in timed.words]
    out["segments"] = [segment.text.strip() for segment in timed.segments]
    events = list(create(model="whisper-1", file=file, stream=True))
    out["deltas"] = "".join(event.delta for event in events if event.type == "transcript.text.delta")
    out["done"] = events[-1].text
    out["silent"] = create(model="whisper-1", file=Path(silence)).text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the SDK's word on this method
        out["translated"] = client.audio.translations.create(model="whisper-1", file=file).text
    out["models"] = sorted(model.id for model in client.models.list())
    out["retrieved"] = client.models.retrieve("whisper/whisper-base").id
    out["unknown model"] = code_of(lambda: create(model="nonsense", file=file))
    out["not audio"] = code_of(lambda: create(model="whisper-1", file=("a.wav", b"no sound at all")))
    return out


def manage():
    """Delete a model of the guarded server, with its key; ask it without."""
    options = {"base_url": guarded, "max_retries": 0}
    with openai.OpenAI(api_key="wrong", **options) as stranger:
        refused = code_of(lambda: stranger.models.list())
    with openai.OpenAI(api_key="right", **options) as client:
        deleted = client.models.delete("away")
        again = code_of(lambda: client.models.delete("away"))
    return {"wrong key": refused, "deleted": [deleted.id, deleted.deleted], "deleted again": again}


async def ask():
    async with openai.AsyncOpenAI(base_url=base, api_key="none", max_retries=0) as client:
        return (await client.audio.transcriptions.create(model="echo", file=Path(recording))).text


with openai.OpenAI(base_url=base, api_key="none", max_retries=0) as client:
    out = {**main(client), **manage(), "async": asyncio.run(ask())}
print(json.dumps(out))
