"""The command line's output for a server's answers."""

from __future__ import annotations

from typing import Any

import pytest

from govor.cli.client.server_client import Refused, Remote, model_path, parse_events


def test_a_server_is_found_with_or_without_scheme_and_v1(server: Any) -> None:
    for url in (server.url, f"{server.url}/v1/", f"127.0.0.1:{server.port}"):
        assert Remote(url).get("/health")["status"] == "ok"


def test_a_refusal_is_the_servers_own_sentence(server: Any) -> None:
    with pytest.raises(Refused, match="The model 'nonsense' does not exist"):
        Remote(server.url).get(model_path("nonsense"))


def test_a_key_that_is_asked_for_is_told_as_the_terminal_takes_it(serve: Any) -> None:
    url = serve(preload=(), api_keys=("sk",)).url
    with pytest.raises(Refused, match=f"{url} asks for a key: give it with --api-key or GOVOR_API_KEY."):
        Remote(url).get("/v1/models")
    with pytest.raises(Refused, match=f"{url} does not know the key of --api-key or GOVOR_API_KEY."):
        Remote(url, "other").get("/v1/models")
    with pytest.raises(Refused, match="asks for a key"):
        list(Remote(url).events(model_path("echo", "pull")))
    assert Remote(url, "sk").get("/v1/models")["object"] == "list"


def test_where_no_server_listens_it_says_how_to_start_one(free_port: int) -> None:
    with pytest.raises(Refused, match=rf"No server answers at http://127.0.0.1:{free_port}: .*`govor serve`"):
        Remote(f"http://127.0.0.1:{free_port}").get("/health")


def test_an_answer_that_is_no_json_is_told(server: Any) -> None:
    with pytest.raises(Refused, match="is no Govor server: /docs did not answer JSON"):
        Remote(server.url).get("/docs")


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(Refused, match=r"The connection to http://a b failed|No server answers"):
        Remote("http://a b").get("/health")


def test_a_name_with_slashes_and_spaces_becomes_an_address() -> None:
    assert model_path("owner/a model", "load") == "/v1/models/owner/a%20model/load"


def test_events_are_read_with_and_without_data() -> None:
    lines = ["event: ping", "", ": comment", "", "event: progress", 'data: {"total":2}', "", "data: 3", ""]
    assert list(parse_events(lines)) == [("ping", None), ("progress", {"total": 2}), ("message", 3)]
