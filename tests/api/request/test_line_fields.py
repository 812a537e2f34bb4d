"""Subtitles and texts for people over HTTP: lines that can be read, limits of a request and of the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest

from govor.contract.audio import Audio
from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment, Word
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeRecognizer, hum, plugins_of
from support.processes.servers import Server
from support.sound import media

SAID = "Ask not, my friends, what your country can do for you. Ask what all of you together can do for it."
PLAIN, KNOWING = ModelSpec("plain"), ModelSpec("knowing", features=frozenset({Feature.WORDS}))
URL = "/v1/audio/transcriptions"


class Orator(FakeRecognizer):
    """Hears the same speech in everything; where it is asked for words, they come in the first half."""

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
        heard = super().transcribe(batch, options)
        return [[self._say(len(audio) / 16_000, own[0])] for audio, own in zip(batch, heard, strict=True)]

    def _say(self, length: float, heard: Segment) -> Segment:
        texts = SAID.split()
        pace = length / 2 / len(texts)
        words = tuple(Word(text, n * pace, (n + 1) * pace) for n, text in enumerate(texts))
        return Segment(SAID, 0.0, length, words if heard.words is not None else None)


@pytest.fixture
def start(serve: Any) -> Any:
    def start(**settings: Any) -> Server:
        family = FakeBackend(PLAIN, KNOWING, recognizer=Orator)
        made = {"default_models": ["knowing"], "preload": (), **settings}
        return serve(plugins_of(Settings(**made), family=family, ear=FakeDetector()), **made)

    return start


@pytest.fixture
def client(start: Any) -> Iterator[httpx.Client]:
    with start().client() as opened:
        yield opened


def ask(client: httpx.Client, response_format: str = "srt", **fields: str) -> httpx.Response:
    files = {"file": ("a.wav", media.wav(hum(20.0)))}
    return client.post(URL, files=files, data={"response_format": response_format, **fields})


def lines(body: str) -> list[list[str]]:
    return [block.split("\n")[2:] for block in body.strip().split("\n\n")]


def test_subtitles_ask_for_words_by_themselves(client: httpx.Client) -> None:
    answer = ask(client)
    assert answer.text.rstrip().split("\n\n")[-1].split(" --> ")[1].startswith("00:00:10,")
    assert "x-govor-ignored" not in answer.headers
    assert max(len(line) for cue in lines(answer.text) for line in cue) <= 42


@pytest.mark.parametrize("strict", [True, False])
def test_a_model_without_words_is_divided_by_its_letters(start: Any, strict: bool) -> None:
    with start(strict=strict).client() as client:
        answer = ask(client, model="plain")
        assert answer.status_code == 200
        assert "x-govor-ignored" not in answer.headers
        assert len(lines(answer.text)) >= 3
        assert (
            "x-govor-ignored" in ask(client, model="plain", timestamp_granularities="word").headers
        ) is not strict


@pytest.mark.parametrize("response_format", ["srt", "vtt"])
def test_a_request_limits_its_lines(client: httpx.Client, response_format: str) -> None:
    narrow = ask(client, response_format, max_line_width="20", max_line_count="1").text
    cues = lines(narrow.removeprefix("WEBVTT\n\n")) if response_format == "srt" else None
    if cues is None:
        cues = [block.split("\n")[1:] for block in narrow.removeprefix("WEBVTT\n\n").strip().split("\n\n")]
    assert max(map(len, cues)) == 1
    assert max(len(line) for cue in cues for line in cue) <= 20


def test_so_many_words_per_line_make_a_cue_of_each(client: httpx.Client) -> None:
    cues = lines(ask(client, max_words_per_line="2").text)
    assert {len(cue) for cue in cues} == {1}
    assert max(len(line.split()) for cue in cues for line in cue) == 2
    assert max(len(cue) for cue in lines(ask(client, max_words_per_line="2", max_line_count="2").text)) == 2


def test_the_settings_limit_lines_on_all_routes(start: Any) -> None:
    with start(subtitles={"max_line_width": 20, "max_line_count": 1}).client() as client:
        recording = media.wav(hum(20.0))
        inference = client.post("/inference", files={"file": recording}, data={"response_format": "srt"})
        gigastt = client.post("/v1/transcribe?format=srt", content=recording)
        for body in (ask(client).text, inference.text, gigastt.text):
            assert max(len(line) for cue in lines(body) for line in cue) <= 20


def test_gigastts_names_limit_its_lines(client: httpx.Client) -> None:
    recording = media.wav(hum(20.0))
    answer = client.post("/v1/transcribe?format=srt&max_chars_per_line=20", content=recording)
    assert max(len(line) for cue in lines(answer.text) for line in cue) <= 20
    single = client.post("/v1/transcribe?format=srt&max_words_per_line=1", content=recording)
    assert [cue for cue in lines(single.text) if len(cue) > 1 or " " in cue[0]] == []
    assert "x-govor-ignored" not in answer.headers


def test_limits_of_lines_are_named_where_there_are_none(client: httpx.Client) -> None:
    answer = ask(client, "json", max_line_width="20", max_words_per_line="2")
    assert answer.headers["x-govor-ignored"] == "max_line_width, max_words_per_line"


@pytest.mark.parametrize("field", ["max_line_width", "max_line_count", "max_words_per_line"])
def test_a_limit_that_no_line_can_keep_is_refused(client: httpx.Client, field: str) -> None:
    answer = ask(client, **{field: "0"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, field)


def test_the_result_of_a_job_has_the_limits_it_is_asked_with(start: Any, tmp_path: Any) -> None:
    with start(data_dir=tmp_path).client() as client:
        job = ask(client, background="true", max_line_width="20").json()["id"]
        with client.stream("GET", f"/v1/jobs/{job}/events") as events:
            events.read()
        result = f"/v1/jobs/{job}/result"
        assert max(len(line) for cue in lines(client.get(result).text) for line in cue) <= 20
        wide = client.get(result, params={"max_line_width": "80", "max_line_count": "1"}).text
        assert 42 < max(len(line) for cue in lines(wide) for line in cue) <= 80


def test_text_stays_one_line_and_txt_has_times_on_wish(client: httpx.Client) -> None:
    assert ask(client, "text").text == f"{SAID}\n"
    assert ask(client, "txt").text == f"{SAID}\n"
    timed = ask(client, "txt", timestamp_granularities="segment")
    assert timed.text == f"[00:00:00] {SAID}\n"
    assert timed.headers["content-type"] == "text/plain; charset=utf-8"


def test_tsv_has_a_line_for_each_segment(client: httpx.Client) -> None:
    answer = ask(client, "tsv")
    assert answer.headers["content-type"] == "text/tab-separated-values; charset=utf-8"
    assert answer.text == f"start\tend\ttext\n0\t20000\t{SAID}\n"
