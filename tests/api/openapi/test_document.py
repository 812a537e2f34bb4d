"""/openapi.json is a document that tools can read, and /docs shows it without asking anybody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from govor.api.openapi.document import Provider
from govor.api.openapi.route_errors import all_kinds

SHARED = {
    ("delete", "/models/{name}"),
    ("get", "/health"),
    ("get", "/models"),
    ("get", "/models/{name}"),
    ("get", "/ping"),
    ("get", "/registry"),
    ("post", "/audio/diarization"),
    ("post", "/audio/diarize"),
    ("post", "/audio/speech/timestamps"),
    ("post", "/audio/transcriptions"),
    ("post", "/audio/translations"),
    ("post", "/models"),
    ("post", "/models/{name}"),
    ("post", "/models/{name}/pull"),
    ("post", "/models/{name}/verify"),
}
"""Routes below both /v1 and /api/v1."""

ROUTES = {
    *((method, base + path) for method, path in SHARED for base in ("/v1", "/api/v1")),
    ("delete", "/api/ps/{name}"),
    ("delete", "/v1/jobs/{job}"),
    ("get", "/api/ps"),
    ("get", "/v1/jobs"),
    ("get", "/v1/jobs/{job}"),
    ("get", "/v1/jobs/{job}/events"),
    ("get", "/v1/jobs/{job}/result"),
    ("get", "/v1/storage"),
    ("post", "/api/ps/{name}"),
    ("post", "/v1/models/{name}/load"),
    ("post", "/v1/models/{name}/reload"),
    ("post", "/v1/models/{name}/unload"),
    ("post", "/v1/storage/prune"),
    ("get", "/health"),
    ("get", "/health/ready"),
    ("get", "/metrics"),
    ("get", "/ready"),
    ("get", "/readyz"),
    ("get", "/v1/plugins"),
    ("post", "/asr"),
    ("post", "/detect-language"),
    ("post", "/inference"),
    ("post", "/load"),
    ("post", "/openai/deployments/{name}/audio/transcriptions"),
    ("post", "/openai/deployments/{name}/audio/translations"),
    ("post", "/v1/audio/detect"),
    ("post", "/v1/audio/speech/embedding"),
    ("post", "/v1/transcribe"),
    ("post", "/v1/transcribe/stream"),
    ("post", "/v1/vad"),
    ("post", "/vad"),
}
FLAT = {"/v1/transcribe", "/v1/transcribe/stream", "/metrics", "/inference", "/load"}
AUDIO = [
    f"{base}/audio/{route}" for base in ("/v1", "/api/v1") for route in ("transcriptions", "translations")
]
OPEN = {
    "/health",
    "/ready",
    "/readyz",
    "/health/ready",
    "/v1/health",
    "/api/v1/health",
    "/v1/ping",
    "/api/v1/ping",
}


@pytest.fixture(scope="module")
def client(server: Any) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    """The whole document."""
    response = client.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    return dict(response.json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every (method, path, operation)."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def test_every_route_is_described_and_no_other(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.[01]\.\d", document["openapi"])
    assert {"title", "version"} <= document["info"].keys()
    assert {(method, path) for method, path, _ in operations(document)} == ROUTES


def test_every_operation_has_an_id_of_its_own_and_a_summary(document: dict[str, Any]) -> None:
    described = [operation for _, _, operation in operations(document)]
    assert len(described) >= 40
    assert len({operation["operationId"] for operation in described}) == len(described)
    assert all(operation["summary"] for operation in described)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = {node["$ref"] for node in walk(document) if isinstance(node.get("$ref"), str)}
    assert len(references) >= 25
    for reference in references:
        target: Any = document
        for key in reference.removeprefix("#/").split("/"):
            target = target[key]
        assert target["type"] == "object"


def test_every_parameter_of_a_path_is_declared(document: dict[str, Any]) -> None:
    assert sum("{" in path for _, path, _ in operations(document)) >= 8
    for _, path, operation in operations(document):
        declared = {item["name"] for item in operation["parameters"] if item["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))
        assert all(item["required"] for item in operation["parameters"] if item["in"] == "path")


def test_every_answer_has_a_description_and_a_schema(document: dict[str, Any]) -> None:
    assert len(list(operations(document))) >= 40
    for _, _, operation in operations(document):
        assert re.fullmatch(r"20[014]", min(operation["responses"])), operation["operationId"]
        for status, answer in operation["responses"].items():
            assert re.fullmatch(r"[2-5]\d\d|default", status)
            assert answer["description"]
            assert all(media_type["schema"] for media_type in answer["content"].values())


def test_an_error_has_four_keys(document: dict[str, Any]) -> None:
    assert set(document["components"]["schemas"]["Error"]["required"]) == {"message", "type", "param", "code"}
    assert set(document["components"]["schemas"]["ErrorBody"]["required"]) == {"error"}


def test_every_error_is_listed_where_it_can_be_answered(document: dict[str, Any]) -> None:
    described = " ".join(
        answer["description"]
        for _, path, operation in operations(document)
        if path not in FLAT
        for answer in operation["responses"].values()
    )
    assert len(list(all_kinds())) >= 40
    missing = {kind.code for kind in all_kinds() if f"`{kind.code}`" not in described}
    assert missing == {"metrics_disabled"}, "which is of a flat route"
    for _, path, operation in operations(document):
        assert {"401" in operation["responses"], path in OPEN} == {True, False}
        assert "500" in operation["responses"]


@pytest.mark.parametrize("path", AUDIO)
def test_a_recording_is_sent_as_a_form_with_every_field(document: dict[str, Any], path: str) -> None:
    content = document["paths"][path]["post"]["requestBody"]["content"]
    assert list(content) == ["multipart/form-data"]
    schema = content["multipart/form-data"]["schema"]
    fields = schema["properties"]
    assert not schema.get("required"), "a file or a file_url"
    assert (fields["file"]["type"], fields["file"]["format"]) == ("string", "binary")
    assert fields.keys() >= {
        "model",
        "language",
        "languages",
        "prompt",
        "keywords",
        "response_format",
        "temperature",
        "timestamp_granularities",
        "include",
        "stream",
        "chunking_strategy",
        "background",
        "webhook_url",
        "file_url",
    }
    assert fields["response_format"]["enum"][:5] == ["json", "text", "srt", "vtt", "verbose_json"]
    assert all(field["description"] for field in fields.values())


def test_an_error_of_gigastt_and_whisper_cpp_is_flat(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        schema = operation["responses"]["500"]["content"]["application/json"]["schema"]
        assert schema["$ref"].endswith("/FlatError" if path in FLAT else "/ErrorBody"), path
    assert "422" in document["paths"]["/v1/transcribe"]["post"]["responses"]
    assert set(document["components"]["schemas"]["FlatError"]["required"]) == {"error", "code"}


@pytest.mark.parametrize("path", ["/v1/transcribe", "/v1/transcribe/stream"])
def test_a_body_may_be_the_recording(document: dict[str, Any], path: str) -> None:
    content = document["paths"][path]["post"]["requestBody"]["content"]
    assert {"audio/wav", "audio/mpeg", "application/octet-stream"} <= set(content)
    binary = {"type": "string", "format": "binary", "minLength": 1}
    assert all(kind["schema"] == binary for kind in content.values())


@pytest.mark.parametrize("path", AUDIO)
def test_a_transcript_may_come_as_json_text_subtitles_or_events(document: dict[str, Any], path: str) -> None:
    content = document["paths"][path]["post"]["responses"]["200"]["content"]
    tables = {"text/tab-separated-values"}
    of_plugins = {kind for kind in content if kind == "text/markdown" or "officedocument" in kind}
    assert len(of_plugins) == 2
    assert set(content) - of_plugins == {
        "application/json", "text/plain", "text/vtt", "text/event-stream"
    } | tables  # fmt: skip


def test_only_health_and_readiness_need_no_key(document: dict[str, Any]) -> None:
    assert "security" not in document, "it asks for no key, and takes any"
    assert "securitySchemes" not in document["components"]
    assert {path for _, path, item in operations(document) if item.get("security") == []} == OPEN


class Links(HTMLParser):
    """Collects what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_loads_everything_from_this_server(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.findall(r"(?:https?:)?//[\w.-]+", page.text)
    links = Links()
    links.feed(page.text)
    answers = [client.get(f"/{link}") for link in links.found]
    kinds = [answer.headers["content-type"].partition(";")[0] for answer in answers]
    assert sorted(kinds) == ["image/svg+xml", "text/css", "text/javascript"]
    assert '"openapi.json"' in page.text
    assert "validatorUrl: null" in page.text


def test_the_pages_style_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    style = client.get("/docs/swagger-ui.css").text
    assert not re.findall(r"@import|url\(['\"]?(?:https?:)?//", style)


@pytest.mark.parametrize("path", ["/docs/index.html", "/docs/..%2f..%2fapp.py", "/redocs", "/scalar"])
def test_nothing_else_is_served_beside_the_page(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_server_with_keys_says_that_it_asks_for_one(serve: Any) -> None:
    with serve(api_keys=("right",), preload=()).client() as client:
        document = client.get("/openapi.json").json()
    scheme = document["components"]["securitySchemes"]["key"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert document["security"] == [{"key": []}, {"key_header": []}]


def test_the_document_is_made_once_however_often_anybody_asks(
    monkeypatch: pytest.MonkeyPatch, serve: Any
) -> None:
    made, make = [], Provider.schema

    def schema(provider: Provider) -> dict[str, Any]:
        made.append(provider)
        return make(provider)

    monkeypatch.setattr(Provider, "schema", schema)
    with serve().client() as client, ThreadPoolExecutor(8) as threads:
        documents = {answer.text for answer in threads.map(client.get, ["/openapi.json"] * 40)}
    assert (len(documents), len(made)) == (1, 1)


def test_what_a_route_is_about_is_said_of_its_group_and_its_parameters(document: dict[str, Any]) -> None:
    used = {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    assert {tag["name"] for tag in document["tags"]} == used
    for _, _, operation in operations(document):
        assert all(parameter["description"] for parameter in operation["parameters"])
