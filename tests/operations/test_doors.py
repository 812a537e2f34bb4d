"""Access: keys from settings and from a file, the administrator, rate limits, other origins."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from govor.api.http.rate_limit import MOST_CLIENTS, TokenBuckets
from govor.errors import ConfigurationError
from govor.settings import Settings, load_settings
from govor.settings.keys import Keys
from support.waiting import eventually


def code_of(response: Any) -> str:
    return str(response.json()["error"]["code"])


def test_a_key_may_come_in_x_api_key_too(serve: Any) -> None:
    with serve(preload=(), api_keys=("first",)).client() as client:
        assert client.get("/v1/models", headers={"x-api-key": "first"}).status_code == 200
        assert client.get("/v1/models", headers={"x-api-key": "wrong"}).status_code == 401


def test_keys_in_a_file_are_taken_in_when_it_changes(serve: Any, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# of the first floor\n\nold\n", encoding="utf-8")
    with serve(preload=(), api_keys_file=file).client() as client:

        def status(key: str) -> int:
            return int(client.get("/v1/models", headers={"x-api-key": key}).status_code)

        assert (status("old"), status("new"), status("# of the first floor")) == (200, 401, 401)
        file.write_text("new\n", encoding="utf-8")
        assert eventually(lambda: status("new") == 200)
        assert status("old") == 401


def test_a_file_of_keys_that_is_gone_leaves_the_keys_as_they_were(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, now = tmp_path / "keys", [0.0]
    file.write_text("here\n", encoding="utf-8")
    keys = Keys(Settings(api_keys_file=file), clock=lambda: now[0])
    file.unlink()
    now[0] = 10.0
    assert keys.opens(b"here")
    assert "The keys stay as they were" in caplog.text
    file.write_text("", encoding="utf-8")
    now[0] = 20.0
    assert not keys.opens(b"here")
    assert keys.asked, "an empty file opens to nobody, not to all"


def test_a_missing_file_of_keys_is_reported_at_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing cannot be read: No such file"):
        Keys(Settings(api_keys_file=tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/models"),
        ("POST", "/api/v1/models"),
        ("DELETE", "/v1/models/echo"),
        ("POST", "/v1/models/echo/load"),
        ("POST", "/v1/models/echo/unload"),
        ("POST", "/v1/models/echo/reload"),
        ("POST", "/api/ps/echo"),
        ("DELETE", "/api/ps/echo"),
        ("POST", "/v1/storage/prune"),
        ("POST", "/load"),
    ],
)
def test_only_the_administrator_changes_which_models_there_are(serve: Any, method: str, path: str) -> None:
    with serve(preload=(), api_keys=("user",), admin_key="chief").client() as client:
        refused = client.request(method, path, headers={"x-api-key": "user"})
        assert refused.status_code == 403
        assert "admin_required" in refused.text
        assert client.request(method, path).status_code == 401
        allowed = client.request(method, path, headers={"x-api-key": "chief"})
        assert allowed.status_code not in (401, 403) or "admin" not in allowed.text


def test_the_administrators_key_opens_all_and_is_needed_without_other_keys(serve: Any, speak: Any) -> None:
    with serve(preload=(), admin_key="chief").client() as client:
        assert speak(client).status_code == 200
        assert client.get("/v1/models").status_code == 200
        assert client.post("/v1/models/echo/load").status_code == 401
        assert client.post("/v1/models/echo/load", headers={"x-api-key": "chief"}).status_code == 200


def test_the_administrator_sees_the_jobs_of_others(serve: Any, speak: Any) -> None:
    with serve(preload=(), api_keys=("ann", "bob"), admin_key="chief").client() as client:
        job = speak(client, data={"background": "true"}, headers={"x-api-key": "ann"}).json()["id"]
        seen = {
            key: client.get(f"/v1/jobs/{job}", headers={"x-api-key": key}).status_code
            for key in ("ann", "bob", "chief")
        }
        assert seen == {"ann": 200, "bob": 404, "chief": 200}
        listed = client.get("/v1/jobs", headers={"x-api-key": "chief"}).json()["data"]
        assert [one["id"] for one in listed] == [job]


def test_who_comes_too_often_is_told_when_to_come_again(serve: Any) -> None:
    with serve(preload=(), rate_limit_per_ip=1, rate_limit_burst=2).client() as client:
        statuses = [client.get("/v1/models").status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = client.get("/v1/models")
        assert code_of(refused) == "rate_limited"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert client.get("/health").status_code == 200


def test_each_key_has_a_rate_of_its_own(serve: Any) -> None:
    settings = {"api_keys": ("a", "b"), "rate_limit_per_key": 1, "rate_limit_burst": 1}
    with serve(preload=(), **settings).client() as client:
        asked = [client.get("/v1/models", headers={"x-api-key": key}).status_code for key in "aab"]
    assert asked == [200, 429, 200]


FORMS = [
    "api_keys = ['phone = k1', 'plain']",
    "api_keys = 'phone = k1, plain'",
    "[api_keys]\nphone = 'k1'\nother = 'plain'",
    'api_keys = \'{"phone": "k1", "other": "plain"}\'',
]


@pytest.mark.parametrize("text", FORMS)
def test_a_key_may_have_a_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "plugins.toml").write_text(text)
    keys = Keys(load_settings(tmp_path / "plugins.toml"))
    assert (keys.opens(b"k1"), keys.opens(b"plain"), keys.opens(b"phone")) == (True, True, False)
    assert keys.name_of(b"k1") == "phone"
    assert keys.name_of(b"absent") == ""


def test_a_key_of_the_file_may_have_a_name_and_others_stay_whole(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("phone = k1\na=b\nc:d\n")
    keys = Keys(Settings(api_keys_file=tmp_path / "keys", admin_key="chief"))
    assert [keys.name_of(key) for key in (b"k1", b"a=b", b"c:d", b"chief")] == ["phone", "", "", "admin"]
    assert all(map(keys.opens, (b"k1", b"a=b", b"c:d", b"chief")))


def test_a_name_that_no_metric_can_have_is_refused_without_the_key(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("my phone = k1-secret\n")
    with pytest.raises(ConfigurationError, match="names of keys have letters") as caught:
        Keys(Settings(api_keys_file=tmp_path / "keys"))
    assert "k1-secret" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="--api-keys: names of keys have letters"):
        load_settings(api_keys="my phone = k1-secret")


def test_the_log_and_the_metrics_know_requests_by_the_name_of_their_key(serve: Any, caplog: Any) -> None:
    caplog.set_level(logging.INFO, "govor.access")
    with serve(preload=(), metrics="main", api_keys=("phone = k1", "k2")).client() as client:
        for key in ("k1", "k2", "wrong"):
            client.get("/v1/models", headers={"x-api-key": key})
        text = client.get("/metrics", headers={"x-api-key": "k2"}).text
    assert 'govor_key_requests_total{key="phone",status="200"} 1.0' in text
    assert text.count("govor_key_requests_total{") == 1
    lines = [line for line in caplog.messages if "/v1/models" in line]
    assert [", key phone, " in line for line in lines] == [True, False, False]
    assert "k1" not in text + "".join(lines)


def test_behind_proxies_the_clients_address_counts(serve: Any) -> None:
    settings = {"rate_limit_per_ip": 1, "rate_limit_burst": 1, "trusted_proxies": 1}
    with serve(preload=(), **settings).client() as client:

        def status(forwarded: str) -> int:
            return int(client.get("/v1/models", headers={"x-forwarded-for": forwarded}).status_code)

        assert status("203.0.113.1") == 200
        assert status("198.51.100.9, 203.0.113.1") == 429, "what the client claims before its address"
        assert status("203.0.113.2:4711") == 200
        assert status("2001:db8::1") == 200
        assert status("2001:db8::2") == 429, "the same network"


def test_behind_a_proxy_that_speaks_the_standard_the_clients_address_counts(serve: Any) -> None:
    settings = {"rate_limit_per_ip": 1, "rate_limit_burst": 1, "trusted_proxies": 1}
    with serve(preload=(), **settings).client() as client:

        def status(**headers: str) -> int:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return int(client.get("/v1/models", headers=named).status_code)

        assert status(forwarded="for=203.0.113.1;proto=https") == 200
        assert status(forwarded='for="198.51.100.9", For=203.0.113.1') == 429
        assert status(forwarded='by=203.0.113.43; for="[2001:db8::1]:4711"') == 200
        assert status(forwarded="for=203.0.113.2", x_forwarded_for="203.0.113.1") == 429, "what it passed on"


def test_without_proxies_no_client_chooses_its_address(serve: Any) -> None:
    with serve(preload=(), rate_limit_per_ip=1, rate_limit_burst=1).client() as client:
        hops = ({"x-forwarded-for": "203.0.113.1"}, {"x-forwarded-for": "203.0.113.2"})
        assert [client.get("/v1/models", headers=hop).status_code for hop in hops] == [200, 429]


def test_a_bucket_fills_again_and_forgets_who_came_longest_ago() -> None:
    now = [0.0]
    buckets = TokenBuckets(clock=lambda: now[0])
    assert [buckets.take("a", 60, 2) for _ in range(3)] == [0.0, 0.0, 1.0]
    now[0] = 1.0
    assert buckets.take("a", 60, 2) == 0.0
    for number in range(MOST_CLIENTS):
        buckets.take(str(number), 60, 2)
    assert buckets.take("a", 60, 2) == 0.0


ORIGIN = "https://app.example"


def test_pages_of_other_origins_are_told_nothing(serve: Any) -> None:
    with serve(preload=(), api_keys=("sk",)).client() as client:
        response = client.get("/v1/models", headers={"origin": ORIGIN, "x-api-key": "sk"})
        assert response.status_code == 200
        assert "access-control-allow-origin" not in response.headers
        assert "access-control-allow-origin" not in preflight(client).headers


def preflight(client: Any, origin: str = ORIGIN) -> Any:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    return client.options("/v1/audio/transcriptions", headers=headers)


def test_a_page_that_is_let_in_may_ask_and_read_errors_too(serve: Any, speak: Any) -> None:
    with serve(preload=(), api_keys=("sk",), allow_origins=(ORIGIN,)).client() as client:
        asked = preflight(client)
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-origin"] == ORIGIN
        assert "POST" in asked.headers["access-control-allow-methods"]
        assert asked.headers["access-control-allow-headers"] == "authorization,content-type"
        refused = speak(client, headers={"origin": ORIGIN})
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == ORIGIN
        assert refused.headers["vary"] == "origin"
        shown = set(refused.headers["access-control-expose-headers"].split(", "))
        assert shown >= {
            "retry-after",
            "retry-after-ms",
            "x-should-retry",
            "x-govor-ignored",
            "x-stt-ignored",
        }
        assert "access-control-allow-origin" not in preflight(client, "https://other.example").headers


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("null", 403),
        ("http://localhost:3000", 200),
        ("http://127.0.0.1:5173", 200),
        ("https://127.0.0.1.evil.example", 403),
    ],
)
def test_without_keys_a_strange_page_cannot_make_the_server_work(
    serve: Any, speak: Any, origin: str, status: int
) -> None:
    with serve(preload=()).client() as client:
        response = speak(client, headers={"origin": origin})
    assert response.status_code == status
    if status == 403:
        assert code_of(response) == "origin_denied"


def test_the_file_of_keys_is_read_by_its_time_not_at_every_request(tmp_path: Path) -> None:
    file, now = tmp_path / "keys", [0.0]
    file.write_text("one\n", encoding="utf-8")
    keys = Keys(Settings(api_keys_file=file), clock=lambda: now[0])
    file.write_text("two\n", encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert keys.opens(b"one"), "looked at only a moment ago"
    now[0] = 2.0
    assert (keys.opens(b"one"), keys.opens(b"two")) == (False, True)


@pytest.mark.parametrize(
    ("key", "warning"),
    [
        ("bob=sk-secret", "The '=' of bob=… counts"),
        ("bob= sk-secret", "The '=' of bob=… counts"),
        ("sec+ret=sk-secret", "The '=' of 1 with other signs before it counts"),
        (f"{'s' * 33}=sk-secret", "The '=' of 1 with other signs before it counts"),
        ("c2VjcmV0cw==", ""),
        ("c2VjcmV0c2U=", ""),
        ("bob = c2VjcmV0=cw", ""),
        ("sk-secret", ""),
    ],
)
def test_of_a_key_with_an_equals_sign_only_what_looks_like_a_name_is_shown(key: str, warning: str) -> None:
    doubts = Keys(Settings(api_keys=(key,))).doubts()
    assert doubts.startswith(warning)
    assert bool(doubts) == bool(warning)
    assert "sec" not in doubts


def test_doubtful_keys_that_come_later_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, now = tmp_path / "keys", [0.0]
    file.write_text("sk-one\n")
    keys = Keys(Settings(api_keys_file=file), clock=lambda: now[0])
    file.write_text("sk-one\nbob=sk-secret\n")
    now[0] += 5
    assert keys.opens(b"bob=sk-secret")
    assert "bob=…" in caplog.text
    assert "secret" not in caplog.text


def test_keys_are_counted_and_named_at_the_start(tmp_path: Path) -> None:
    given = ("phone = sk-1", "anna = sk-2", "anna = sk-3", "sk-4")
    assert Keys(Settings(api_keys=given)).summary() == "4 (phone, anna, 1 without a name)"
    many = tuple(f"k{number} = sk-{number}" for number in range(12))
    assert Keys(Settings(api_keys=many)).summary().endswith("k8, k9, 2 more)")
    (tmp_path / "keys").write_text("")
    assert Keys(Settings(api_keys_file=tmp_path / "keys")).summary() == "none, so no client gets in"
