"""Which audio track of a recording is decoded."""

from __future__ import annotations

from av.audio.stream import AudioStream
from av.container import InputContainer

from govor.decoder.formats import DECODERS
from govor.decoder.refusals import Refused


def best_track(container: InputContainer) -> AudioStream:
    track = container.streams.best("audio")
    if not isinstance(track, AudioStream):
        kinds = sorted({stream.type for stream in container.streams})
        raise Refused(f"The file has no audio track; it holds: {', '.join(kinds) or 'nothing'}.")
    codec = track.codec_context
    if codec is None or codec.codec.name not in DECODERS:
        name = codec.name if codec else "unknown"
        raise Refused(f"The file's audio is in the codec '{name}', which is not read here.")
    codec.thread_count = 1  # audio gains nothing by threads, and each would take memory of the bound
    return track
