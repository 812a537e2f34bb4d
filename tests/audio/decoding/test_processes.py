"""Files that crash, loop or fill memory get a clear error, and other recordings are unaffected."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from govor.audio.decoding.opening import open_recording
from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.decoder.process.confinement import Limits
from govor.errors import DecoderLost, DecodersUnavailable, InvalidAudio
from support.sound import hostile, media
from support.waiting import eventually, soon

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks into /proc")

Write = Callable[[bytes], Path]


@pytest.fixture
def running() -> Iterator[Decoders]:
    """Decoder processes of the test's own."""
    with closing(Decoders()) as decoders:
        decoders.start()
        yield decoders


@pytest.fixture
def hours(tmp_path: Path) -> Path:
    """Ten hours of silence."""
    return media.write_hours(tmp_path / "hours.wav", 36_000)


def workers(decoders: Decoders) -> list[int]:
    """Return the processes that decode, or wait for a recording."""
    server = decoders.server_id
    return [] if server is None else media.family(server)[1:]


def at_work(path: Path) -> int:
    """Return the process that has a recording open."""
    found: list[int] = []

    def look() -> bool:
        found[:] = [process for process in media.family(os.getpid())[1:] if media.opens(process, path)]
        return bool(found)

    assert eventually(look)
    return found[0]


def samples(recording: Recording) -> int:
    with recording:
        return sum(len(block) for block in recording.blocks())


def peak_bytes(process: int) -> int:
    """Return the peak memory of a process."""
    status = Path(f"/proc/{process}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


HOSTILE = {
    "a rate of 250 MHz": (hostile.odd_rate(), "250000007 Hz"),
    "a rate just above the highest": (hostile.odd_rate(768_001), "768001 Hz"),
    "hours of 1 Hz in 244 bytes": (hostile.odd_rate(1), "1 Hz"),
    "a rate just below the lowest": (hostile.odd_rate(999), "999 Hz"),
    "a title of 2 GB": (hostile.lying_title(), "not audio or video"),
    "a thousand changes of rate": (hostile.changing_rate(1000), "changes its format"),
    "ten changes of a rate whose filters take 50 ms each": (hostile.changing_rate(11), "changes its format"),
    "a game's format": (hostile.adx(), "no format of audio or video"),
}


@pytest.mark.parametrize(("content", "why"), HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_would_do_harm_is_refused_with_the_reason(
    content: bytes, why: str, running: Decoders, write: Write
) -> None:
    with pytest.raises(InvalidAudio, match=why) as caught:
        samples(Recording(write(content), running))
    assert caught.value.param == "file"
    assert all(peak_bytes(process) < 120e6 for process in workers(running))


def test_a_hundred_changes_between_usual_rates_are_followed(running: Decoders, write: Write) -> None:
    content = hostile.changing_rate(99, samples=200, rates=(44_100, 48_000))
    assert samples(Recording(write(content), running)) > 5000


def test_a_seek_to_before_the_file_is_no_failure_of_the_decoder(running: Decoders, write: Write) -> None:
    with pytest.raises(InvalidAudio):
        samples(Recording(write(hostile.before_the_beginning()), running))
    assert not running.faults


def test_a_cover_is_not_looked_at(running: Decoders, write: Write) -> None:
    assert samples(Recording(write(hostile.cover()), running)) == pytest.approx(2 * 16_000, abs=2000)
    assert all(peak_bytes(process) < 80e6 for process in workers(running))


def test_more_computing_than_the_sound_is_worth_ends_the_recording(hours: Path) -> None:
    stingy = Limits(cpu_seconds=0.2, cpu_per_megabyte=0.0, cpu_per_second=0.0)
    with closing(Decoders(stingy)) as decoders:
        with pytest.raises(InvalidAudio, match="computing time"):
            samples(Recording(hours, decoders))
        assert decoders.faults == {"cpu": 1}


def test_more_memory_than_a_recording_may_take_ends_it(write: Write) -> None:
    with closing(Decoders(Limits(memory_bytes=4 << 20))) as decoders:
        with pytest.raises(InvalidAudio, match="memory"):
            samples(Recording(write(hostile.lying_picture()), decoders))
        assert decoders.faults == {"memory": 1}


@pytest.mark.parametrize("number", [signal.SIGFPE, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_crash_is_the_fault_of_the_file_and_the_next_one_is_heard(
    number: signal.Signals, running: Decoders, hours: Path, write: Write
) -> None:
    bystander = Recording(write(media.silence(60)), running).open()
    with Recording(hours, running) as recording:
        blocks = recording.blocks()
        next(blocks)
        os.kill(at_work(hours), number)
        with pytest.raises(InvalidAudio, match=number.name):
            list(blocks)
    assert running.faults == {"crash": 1}
    assert samples(bystander) == 60 * 16_000
    assert samples(Recording(write(media.silence(2)), running)) == 2 * 16_000


def test_a_process_that_is_ended_from_outside_is_not_the_fault_of_the_file(
    running: Decoders, hours: Path
) -> None:
    with Recording(hours, running) as recording:
        blocks = recording.blocks()
        next(blocks)
        os.kill(at_work(hours), signal.SIGKILL)
        with pytest.raises(DecoderLost):
            list(blocks)


def test_the_pool_heals_when_the_fork_server_is_killed(running: Decoders, hours: Path, write: Write) -> None:
    with Recording(hours, running) as recording:
        blocks, server = recording.blocks(), running.server_id
        next(blocks)
        assert server is not None
        os.kill(server, signal.SIGKILL)
        with pytest.raises(DecoderLost):
            list(blocks)
    assert samples(Recording(write(media.silence(1)), running)) == 16_000
    assert running.server_id not in {None, server}


def test_a_signal_to_stop_does_not_cut_recordings_off(running: Decoders, hours: Path) -> None:
    path = media.write_hours(hours.with_name("minutes.wav"), 600)
    with Recording(path, running) as recording:
        server = running.server_id
        assert server is not None
        for process in (server, *workers(running)):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                os.kill(process, number)
        assert samples(recording) == 600 * 16_000


def test_no_server_at_all_is_an_error_of_the_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write: Write
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with closing(Decoders()) as decoders, pytest.raises(DecodersUnavailable, match="No such file"):
        Recording(write(media.silence(1)), decoders).open()


def test_an_interpreter_without_the_decoder_is_an_error_of_the_server(
    monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with closing(Decoders()) as decoders, pytest.raises((DecodersUnavailable, DecoderLost)):
        Recording(write(media.silence(1)), decoders).open()


def test_a_recording_that_is_closed_ends_its_process_even_if_that_spins(
    running: Decoders, write: Write
) -> None:
    path = write(hostile.slow_to_open())
    recording = Recording(path, running)
    opening = threading.Thread(target=samples, args=[recording])
    opening.start()
    process = at_work(path)
    recording.close()
    opening.join(10)
    assert not opening.is_alive()
    assert eventually(lambda: not media.opens(process, path))


def test_a_recording_that_is_closed_before_its_process_is_there_leaves_none(
    running: Decoders, hours: Path
) -> None:
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    recording = Recording(hours, running)
    recording.close()  # as a client does that disconnects while a thread is about to open it
    recording.open()
    assert list(recording.blocks()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    assert eventually(lambda: media.descriptors(hours) == 0)


def test_a_caller_cancelled_while_a_file_is_opened_does_not_wait_for_it(
    running: Decoders, write: Write
) -> None:
    path = write(hostile.slow_to_open())

    async def leave() -> None:
        opening = asyncio.create_task(open_recording(path, running))
        assert await soon(lambda: any(media.opens(process, path) for process in workers(running)))
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

    asyncio.run(leave())
    assert eventually(lambda: media.descriptors(path) == 0)


def test_a_decoder_can_open_nothing_and_knows_no_secret(monkeypatch: pytest.MonkeyPatch, hours: Path) -> None:
    monkeypatch.setenv("GOVOR_API_KEYS", "sesame")
    with closing(Decoders()) as decoders, Recording(hours, decoders):
        process = Path("/proc") / str(at_work(hours))
        rows = {
            line[:25].strip(): line[25:].split()[:2] for line in (process / "limits").read_text().splitlines()
        }
        descriptors = len(list((process / "fd").iterdir()))
        assert rows["Max open files"] == [str(descriptors), str(descriptors)]
        assert rows["Max file size"] == ["0", "0"]
        assert rows["Max core file size"] == ["0", "0"]
        assert b"sesame" not in (process / "environ").read_bytes()
        assert "NoNewPrivs:\t1" in (process / "status").read_text()


def test_forty_recordings_at_once_are_each_decoded_to_their_end(running: Decoders, tmp_path: Path) -> None:
    lengths = range(20, 60)
    paths = [media.write_hours(tmp_path / f"{seconds}.wav", seconds) for seconds in lengths]
    with ThreadPoolExecutor(40) as threads:
        heard = list(threads.map(lambda path: samples(Recording(path, running)), paths))
    assert heard == [seconds * 16_000 for seconds in lengths]
    assert eventually(lambda: len(workers(running)) <= 6)


def test_processes_are_used_again_and_replaced_before_they_have_grown(
    running: Decoders, write: Write
) -> None:
    path = write(media.wav(media.tone(1)))
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    seen: set[int] = set()
    for _ in range(220):
        assert samples(Recording(path, running)) == 16_000
        seen.update(workers(running))
    assert 3 <= len(seen) <= 12
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors + 3


def test_close_leaves_no_process(hours: Path) -> None:
    decoders = Decoders()
    recording = Recording(hours, decoders).open()
    family = [decoders.server_id, *workers(decoders)]
    decoders.close()
    recording.close()
    assert eventually(lambda: not any(Path(f"/proc/{process}").exists() for process in family))


SCRIPT = """
import sys, time
from pathlib import Path
from govor.audio.decoding.recording import Recording
from govor.audio.decoding.processes import Decoders
decoders = Decoders()
recording = Recording(Path(sys.argv[1]), decoders).open()
print(decoders.server_id, flush=True)
time.sleep(60)
"""


def test_a_server_that_is_killed_takes_its_decoders_with_it(hours: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SCRIPT, str(hours)], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        family = media.family(int(server.stdout.readline()))
        server.kill()
    assert len(family) >= 2
    assert eventually(lambda: not any(Path(f"/proc/{process}").exists() for process in family))


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_the_sound_of_a_film_is_found_without_decoding_its_pictures(
    container: str, running: Decoders, write: Write
) -> None:
    film = media.encode([media.tone(4)], 44_100, container, "aac", picture=True)
    with Recording(write(film), running) as recording:
        audio = np.concatenate(list(recording.blocks()))
    assert len(audio) == pytest.approx(4 * 16_000, abs=2000)


def test_a_title_in_another_encoding_is_no_reason_to_refuse(running: Decoders, write: Write) -> None:
    title = b"INFOINAM\x08\x00\x00\x00\xcf\xf0\xe8\xe2\xe5\xf2\x00\x00"  # Windows-1251
    content = hostile.riff((b"fmt ", hostile.wav_format(16_000)), (b"LIST", title), (b"data", bytes(32_000)))
    assert samples(Recording(write(content), running)) == 16_000
