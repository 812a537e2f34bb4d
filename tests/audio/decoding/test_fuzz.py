"""Thousands of damaged files through the decoder processes: each is decoded or refused, without leaks.

`FUZZ_FILES=60000 pytest -m slow tests/audio/decoding/test_fuzz.py -s` tries more of them.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.engine.model_pool.process_memory import give_back, resident_bytes
from govor.errors import InvalidAudio
from support.sound import media
from support.sound.fuzzing import damaged, sound_files
from support.waiting import eventually

FILES = int(os.environ.get("FUZZ_FILES", "2000"))
FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
"""Number of the first file."""
WARM = min(FILES // 2, 5000)
"""Files after which memory is first measured: by then the largest of each kind have come."""
TOGETHER = 500
"""Files handed to the threads at once."""
MOST_SAMPLES = 60 * 16_000
"""Of each file; a header that states a rate of 1 Hz makes a second an hour."""


def kept_bytes() -> int:
    """Return the memory in use after free memory was returned to the system, as a server does in pauses."""
    give_back()
    return resident_bytes() or 0


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="looks into /proc")
def test_damaged_files_are_decoded_or_refused(tmp_path: Path) -> None:
    files = sound_files()
    assert len(files) >= 50
    with closing(Decoders()) as decoders, ThreadPoolExecutor(4) as threads:

        def outcome(number: int) -> str:
            path = tmp_path / str(number)
            path.write_bytes(damaged(files, number))
            try:
                with Recording(path, decoders) as recording:
                    heard = 0
                    for block in recording.blocks():
                        heard += len(block)
                        if heard > MOST_SAMPLES:
                            break
                return "decoded"
            except InvalidAudio:
                return "refused"
            finally:
                path.unlink()

        def go_through(numbers: range) -> None:
            for begin in range(numbers.start, numbers.stop, TOGETHER):  # a pool keeps what it was given
                outcomes.update(threads.map(outcome, numbers[begin - numbers.start :][:TOGETHER]))

        outcomes: Counter[str] = Counter()
        go_through(range(FIRST, FIRST + WARM))
        before = kept_bytes()
        go_through(range(FIRST + WARM, FIRST + FILES))
        after = kept_bytes()
        print(f"\n{dict(outcomes)}, faults {dict(decoders.faults)}, memory {before} -> {after}")
        assert outcomes.total() == FILES
        assert min(outcomes["decoded"], outcomes["refused"]) > FILES / 10
        assert not decoders.faults["lost"]
        assert not decoders.faults["stalled"]
        assert after < 1.05 * before
        server = decoders.server_id
        assert server is not None
        assert eventually(lambda: len(media.family(server)) <= 6)
    assert eventually(lambda: not Path(f"/proc/{server}").exists())
