"""Transcribe a recording with the OpenAI SDK: python transcribe.py RECORDING [MODEL]

Reads OPENAI_BASE_URL and OPENAI_API_KEY, as every program on the SDK does. Prints the text while it
appears, then every word with its time. Needs: pip install openai
"""

import os
import sys
from pathlib import Path

import openai


def main(recording: Path, model: str) -> int:
    client = openai.OpenAI(
        base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"),
        api_key=os.environ.get("OPENAI_API_KEY", "none"),  # any text, until the server asks for a key
        timeout=3600,  # the SDK gives up after ten minutes otherwise, and sends the file again
    )
    create = client.audio.transcriptions.create
    try:
        for event in create(model=model, file=recording, stream=True):
            if event.type == "transcript.text.delta":
                print(event.delta, end="", flush=True)
        print()
        timed = create(
            model=model, file=recording, response_format="verbose_json", timestamp_granularities=["word"]
        )
    except openai.APIStatusError as error:
        print(f"The server says {error.status_code} {error.code}: {error.message}", file=sys.stderr)
        return 1
    for word in timed.words or []:
        print(f"{word.start:7.2f} {word.end:7.2f}  {word.word}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "whisper-1"))
