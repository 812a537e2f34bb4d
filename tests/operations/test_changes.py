"""Settings that a running server can change: they are documented, and they take effect."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from govor.errors import ConfigurationError
from govor.settings import Settings
from govor.settings.reload import LIVE


def test_the_settings_that_change_live_are_documented_and_exist(root: Path) -> None:
    page = (root / "docs/guides/operations.md").read_text(encoding="utf-8")
    told = page.partition("These hold at once:")[2].partition(".")[0]
    assert set(re.findall(r"`(\w+)`", told)) == LIVE
    assert set(Settings.model_fields) >= LIVE


def test_limits_lists_and_load_settings_hold_at_once_and_the_rest_waits(serve: Any, speak: Any) -> None:
    server = serve(preload=(), default_models=("whisper-base",), aliases={"whisper-1": "default"})
    wanted = server.service.settings.model_copy(
        update={"default_models": ("echo",), "port": 1, "max_queue": 7, "ttl": 5.0, "cores": 1}
    )
    live, waiting = server.service.change(wanted)
    assert (set(live), set(waiting)) == ({"default_models", "max_queue", "ttl"}, {"port", "cores"})
    assert server.service.settings.port != 1
    assert server.service.admission.limits.requests == 7
    with server.client() as client:
        answer = speak(client, data={"model": "whisper-1"})
    assert answer.headers["x-govor-model"] == "echo"
    echo = server.service.catalogue.find("echo")
    assert server.service.pool.load_settings.of(echo).ttl == 5


def test_wrong_settings_change_nothing(serve: Any, tmp_path: Path) -> None:
    server = serve(preload=())
    before = server.service.settings
    wanted = before.model_copy(update={"max_queue": 7, "api_keys_file": tmp_path / "absent"})
    with pytest.raises(ConfigurationError):
        server.service.change(wanted)
    assert server.service.settings is before


def test_likely_languages_change_live_and_wrong_ones_do_not(serve: Any) -> None:
    service = serve(preload=(), languages=("ru",)).service
    service.change(service.settings.model_copy(update={"languages": ("en", "ru")}))
    assert service.languages == ("en", "ru")
    with pytest.raises(ConfigurationError, match="klingon"):
        service.change(service.settings.model_copy(update={"languages": ("klingon",)}))
    assert service.languages == service.settings.languages == ("en", "ru")


def test_a_client_that_says_no_language_gets_one_of_the_likely_ones(serve: Any, samples: Path) -> None:
    server = serve(preload=(), languages=("de", "uk"))
    spoken = [{"code": "uk"}]
    answer = server.post(samples / "ru_short.wav", model="whisper-base").json()
    assert answer["languages"] == spoken
    answer = server.post(samples / "ru_short.wav", model="whisper-base", **{"languages[]": "ru"}).json()
    assert answer["languages"] == [{"code": "ru"}]
