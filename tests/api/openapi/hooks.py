"""Values that schemathesis cannot derive from /openapi.json: recordings, languages, fields that belong
together.
"""

import io
import wave

import schemathesis
from hypothesis import strategies as st

SPELLINGS = {"0", "1", "t", "f", "y", "n", "on", "off", "yes", "no"}
"""Beside true and false, what says yes or no in a form; the schema calls all of it boolean."""

SPEAKERS = ("diarize", "known_speaker_names", "known_speaker_references")
"""Fields that need a diarizer, which these servers have not: tests/api/audio/test_diarization.py."""

UNKNOWN = "x-schemathesis-unknown"
"""How schemathesis calls a parameter that it makes up."""

ELSEWHERE = ("track", "min_speakers", "max_speakers")
"""Tracks depend on the recording (tests/api/request/test_track_field.py), bounds of a number of speakers on
each other and the number (tests/api/audio/test_diarization.py)."""

LISTS = {"keywords", "languages", "timestamp_granularities"}


def tone(samples, rate):
    """A short square wave as a wav."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((b"\x00\x20" * 20 + b"\x00\xe0" * 20) * (samples // 40))
    return out.getvalue()


RECORDINGS = [tone(8_000, 16_000), tone(4_000, 8_000), tone(400, 44_100)]
schemathesis.openapi.format("binary", st.sampled_from(RECORDINGS))
schemathesis.openapi.format("language", st.sampled_from(["ru", "en", "pt-BR", "german"]))


def leave_out(operation, name):
    """Take a field out of the query and the forms of an operation."""
    if "parameters" in operation:
        operation["parameters"] = [one for one in operation["parameters"] if one["name"] != name]
    for body in operation.get("requestBody", {}).get("content", {}).values():
        body["schema"].get("properties", {}).pop(name, None)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Say of the form of a transcription what no schema says that tools can follow."""
    for path, methods in raw_schema["paths"].items():
        for name in ELSEWHERE:
            leave_out(methods.get("post", {}), name)
        if path.endswith(("/transcriptions", "/translations", "/diarize")):
            form = methods["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
            form["required"] = ["file"]  # or file_url, never both: tests/api/body/test_file_url.py
            fields = form["properties"]
            fields.pop("file_url")
            fields.pop("include")  # with json alone: tests/api/request/test_fields.py
            fields.pop("webhook_url")  # with background alone: tests/api/audio/jobs/test_webhooks.py
            for name in SPEAKERS:
                fields.pop(name)
            fields["response_format"]["enum"].remove("diarized_json")
        if path == "/asr":
            asked = methods["post"]["parameters"]
            methods["post"]["parameters"] = [one for one in asked if one["name"] not in SPEAKERS]


@schemathesis.hook
def filter_case(context, case):
    """Leave out a job with a stream, and wrong types that are none once they are the text of a form."""
    if isinstance(case.body, dict) and case.body.get("background") and case.body.get("stream"):
        return False  # each is well without the other: tests/api/audio/jobs/test_jobs.py
    if case.meta is None or case.meta.generation.mode.is_positive:
        return True
    given = [part for part in (case.body, case.query) if isinstance(part, dict)]
    if any(str(name).startswith(UNKNOWN) for part in given for name in part):
        return False  # what nobody knows is passed over
    return not any(is_right_as_text(name, value) for part in given for name, value in part.items())


def is_right_as_text(name, value):
    """Tell whether a value is well although it is not what the schema states: all of it is sent as text."""
    if isinstance(value, list):  # of a field that is repeated the last counts, and empty ones do not
        return name not in LISTS or any(item in ("", None) for item in value)
    return name in LISTS or str(value).strip() == "" or str(value).lower() in SPELLINGS
