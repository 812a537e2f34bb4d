"""The page of the API: where it is found, and what a browser sends from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from support.clients.chromium import browsing

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
BLOCK = "document.querySelector('[id$=\"post_v1_audio_transcriptions\"]')"


@pytest.fixture(scope="module")
def client(server: Any) -> Any:
    with server.client() as client:
        yield client


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_every_link_of_the_page_works_below_any_path_of_a_proxy(client: Any, path: str) -> None:
    page = client.get(path).text
    links = [*re.findall(r'(?:href|src)="([^"]+)"', page), *re.findall(r'url: "([^"]+)"', page)]
    assert len(links) == 4
    for link in links:
        there = urljoin(f"https://proxy.example/stt{path}", link).removeprefix("https://proxy.example/stt")
        assert client.get(there).status_code == 200, link


def test_the_document_names_the_server_by_where_it_is(client: Any) -> None:
    (known,) = client.get("/openapi.json").json()["servers"]
    assert urljoin("https://proxy.example/stt/openapi.json", known["url"]) == "https://proxy.example/stt/"


def test_a_browser_is_led_from_the_bare_address_to_the_page(client: Any) -> None:
    answer = client.get("/", headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (302, "docs")


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
def test_a_program_is_told_that_nothing_is_there(client: Any, accept: str) -> None:
    answer = client.get("/", headers={"accept": accept})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_keys_keep_no_browser_from_the_page_and_programs_from_the_bare_address(serve: Any) -> None:
    with serve(api_keys=("right",), preload=()).client() as client:
        assert client.get("/", headers=BROWSER, follow_redirects=True).url.path == "/docs"
        assert client.get("/").status_code == 401
        assert client.get("/favicon.ico").status_code == 200


def test_the_icon_that_browsers_ask_for_is_there(client: Any) -> None:
    assert client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_routes_come_in_the_order_in_which_people_look_for_them(client: Any) -> None:
    document = client.get("/openapi.json").json()
    paths = list(document["paths"])
    assert paths[0] == "/v1/audio/transcriptions"
    doubles = [path.startswith("/api/v1/") for path in paths]
    assert doubles == sorted(doubles)
    form = document["paths"][paths[0]]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert list(form["properties"])[:3] == ["file", "model", "language"]


def test_no_form_suggests_a_value_that_changes_the_answer(client: Any) -> None:
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for kind, content in methods.get("post", {}).get("requestBody", {}).get("content", {}).items():
            fields = content["schema"].get("properties", {}) if "form" in kind else {}
            for name, field in fields.items():
                assert not {"example", "examples"} & field.keys(), (path, name)
                free = {"chunking_strategy", *content["schema"].get("required", ())}
                known = "default" in field or field.get("format") == "binary"
                assert known or name in free, (path, name)


@pytest.mark.slow
def test_execute_in_a_browser_sends_nothing_that_changes_the_answer(server: Any, samples: Path) -> None:
    recording = samples / "en.wav"
    with browsing() as page:
        page.open(f"{server.url}/")
        page.wait(f"!!{BLOCK}")
        page.look(f"{BLOCK}.querySelector('.opblock-summary-control').click()")
        page.wait(f"!!{BLOCK}.querySelector('.try-out__btn')")
        page.look(f"{BLOCK}.querySelector('.try-out__btn').click()")
        page.wait(f"!!{BLOCK}.querySelector('input[type=file]')")
        page.choose("[id$=post_v1_audio_transcriptions] input[type=file]", recording)
        page.look(f"{BLOCK}.querySelector('.execute').click()")
        shown = page.wait(f"{BLOCK}.querySelector('.live-responses-table .microlight')?.innerText")
        command = page.look(f"{BLOCK}.querySelector('.curl').innerText")
        padlocks = page.look("document.querySelectorAll('.authorization__btn, .authorize').length")
        assert server.post(recording).json()["text"] in shown, command
        assert not padlocks
        assert page.complaints() == []
        assert max(page.answers().values()) == 200
        fields = dict(re.findall(r"-F '(\w+)=([^']*)'", command))
        told = {name: value for name, value in fields.items() if value not in ("", "false", "0")}
        assert told.pop("file").startswith("@en.wav")
        assert told == {
            "response_format": "json",
            "vad": "true",
            "chunking_strategy": "auto",
        }
