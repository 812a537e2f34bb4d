"""/openapi.json is a document that tools can read, and /docs shows it without asking anybody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

SHARED = {
    ("delete", "/models/{name}"),
    ("get", "/health"),
    ("get", "/models"),
    ("get", "/models/{name}"),
    ("get", "/ping"),
    ("get", "/registry"),
    ("post", "/audio/diarize"),
    ("post", "/audio/transcriptions"),
    ("post", "/audio/translations"),
    ("post", "/models"),
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
    ("post", "/v1/audio/diarization"),
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
    ("post", "/inference"),
    ("post", "/load"),
    ("post", "/v1/audio/detect"),
    ("post", "/v1/audio/speech/timestamps"),
    ("post", "/v1/transcribe"),
    ("post", "/v1/transcribe/stream"),
}
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
    assert len({operation["operationId"] for operation in described}) == len(described)
    assert all(operation["summary"] for operation in described)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = {node["$ref"] for node in walk(document) if isinstance(node.get("$ref"), str)}
    assert references
    for reference in references:
        target: Any = document
        for key in reference.removeprefix("#/").split("/"):
            target = target[key]
        assert target["type"] == "object"


def test_every_parameter_of_a_path_is_declared(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        declared = {item["name"] for item in operation["parameters"] if item["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))
        assert all(item["required"] for item in operation["parameters"] if item["in"] == "path")


def test_every_answer_has_a_description_and_a_schema(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        assert re.fullmatch(r"20[014]", min(operation["responses"]))
        for status, answer in operation["responses"].items():
            assert re.fullmatch(r"[2-5]\d\d|default", status)
            assert answer["description"]
            assert all(media_type["schema"] for media_type in answer["content"].values())


def test_an_error_has_four_keys(document: dict[str, Any]) -> None:
    assert set(document["components"]["schemas"]["Error"]["required"]) == {"message", "type", "param", "code"}
    assert all("default" in operation["responses"] for _, _, operation in operations(document))


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
    flat = {"/v1/transcribe", "/v1/transcribe/stream", "/metrics", "/inference", "/load"}
    for _, path, operation in operations(document):
        schema = operation["responses"]["default"]["content"]["application/json"]["schema"]
        assert (schema.get("$ref") == "#/components/schemas/FlatError") == (path in flat), path
    assert set(document["components"]["schemas"]["FlatError"]["required"]) == {"error", "code"}


@pytest.mark.parametrize("path", ["/v1/transcribe", "/v1/transcribe/stream"])
def test_a_body_may_be_the_recording(document: dict[str, Any], path: str) -> None:
    content = document["paths"][path]["post"]["requestBody"]["content"]
    assert {"audio/wav", "audio/mpeg", "application/octet-stream"} <= set(content)
    assert all(kind["schema"] == {"type": "string", "format": "binary"} for kind in content.values())


@pytest.mark.parametrize("path", AUDIO)
def test_a_transcript_may_come_as_json_text_subtitles_or_events(document: dict[str, Any], path: str) -> None:
    content = document["paths"][path]["post"]["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/plain", "text/vtt", "text/event-stream"}


def test_only_health_and_readiness_need_no_key(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["key"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert document["security"] == [{"key": []}, {"key_header": []}]
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
    kinds = {link: client.get(link).headers["content-type"].partition(";")[0] for link in links.found}
    assert sorted(kinds.values()) == ["text/css", "text/javascript"]
    assert "/openapi.json" in page.text
    assert "validatorUrl: null" in page.text


def test_the_pages_style_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    style = client.get("/docs/swagger-ui.css").text
    assert not re.findall(r"@import|url\(['\"]?(?:https?:)?//", style)


@pytest.mark.parametrize("path", ["/docs/index.html", "/docs/..%2f..%2fapp.py", "/redocs", "/scalar"])
def test_nothing_else_is_served_beside_the_page(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404
