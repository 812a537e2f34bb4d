"""Browsers' headers on the origin of requests, and the host names in them."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

import pytest

from govor.api.http.browser_origin import BrowserOrigin, check_origin
from govor.errors import ConfigurationError, GovorError
from govor.settings import Settings, load_settings

STRANGER = "evil.example:8000"
PAGE = "https://stt.example"


def ask(server: Any, method: str = "GET", path: str = "/v1/models", **headers: str) -> tuple[int, str]:
    """Send exactly these headers; return the status and, for an error, its code."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in {"host": f"127.0.0.1:{server.port}", **headers}.items():
        connection.putheader(name.replace("_", "-"), value.encode())
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    answer = json.loads(body) if body.startswith(b"{") else {}
    error = answer.get("error")
    return response.status, error["code"] if isinstance(error, dict) else answer.get("code", "")


def verdict(settings: Settings, **headers: str) -> str:
    """Return the code of the error that refuses a request; "" if it passes."""
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    try:
        check_origin(BrowserOrigin.of(given, settings.trusted_proxies), settings)
    except GovorError as error:
        return error.code
    return ""


@pytest.fixture
def open_server(serve: Any) -> Any:
    return serve(preload=(), metrics="main")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models"),
        ("HEAD", "/v1/models"),
        ("GET", "/v1/jobs"),
        ("GET", "/metrics"),
        ("GET", "/nothing"),
        ("POST", "/v1/models/echo/unload"),
        ("DELETE", "/v1/models/echo"),
    ],
)
def test_a_name_that_was_turned_to_this_machine_opens_nothing(
    open_server: Any, method: str, path: str
) -> None:
    status, code = ask(open_server, method, path, host=STRANGER)
    assert (status, code) == (403, "" if method == "HEAD" else "host_denied")
    origin = f"http://{STRANGER}"
    assert ask(open_server, method, path, host=STRANGER, origin=origin)[0] == 403


@pytest.mark.parametrize("path", ["/health", "/ready", "/docs", "/openapi.json"])
def test_probes_may_call_the_server_what_they_like(open_server: Any, path: str) -> None:
    assert ask(open_server, path=path, host=STRANGER)[0] in ((200, 503) if path == "/ready" else (200,))


def test_the_refusal_says_what_to_set(open_server: Any) -> None:
    with open_server.client() as client:
        error = client.get("/v1/models", headers={"host": "STT.example.org.:8000"}).json()["error"]
    assert error["code"] == "host_denied"
    assert "'stt.example.org'" in error["message"]
    assert "GOVOR_ALLOWED_HOSTS=stt.example.org" in error["message"]
    assert "GOVOR_API_KEYS" in error["message"]


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST:8000", "localhost.", "stt.localhost:1", "127.0.0.1:8000", "127.3.2.1",
        "[::1]:8000", "[::1]", "[2001:db8::1]:8000", "192.168.1.20:8000", "203.0.113.7", "0.0.0.0:8000",
        "govor:8000", "my_service", "box", "box.local", "BOX.local.:8000", "host.docker.internal:8000",
        "govor.speech.svc.cluster.local", "nas.home.arpa", "", f"{socket.gethostname()}:8000",
    ],
)  # fmt: skip
def test_names_that_nobody_can_register_need_no_setting(host: str) -> None:
    assert verdict(Settings(), host=host) == ""


def test_a_program_of_http_1_0_sends_no_name(open_server: Any) -> None:
    assert verdict(Settings()) == ""
    with socket.create_connection(("127.0.0.1", open_server.port), timeout=60) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.0\r\n\r\n")
        assert b" 200 " in connection.makefile("rb").readline()


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.locals",
        "evil.notlocal.example", "1.2.3.4.5", "govor.default.svc", "pc.tail1234.ts.net",
        "xn--80ak6aa92e.example", "говор.рф", "a b", "[::1",
        "evil.example:8000:1", "user@localhost", "localhost/evil",
    ],
)  # fmt: skip
def test_any_other_name_is_refused(host: str) -> None:
    assert verdict(Settings(), host=host) == "host_denied"


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("stt.example.org", "stt.example.org"),
        ("stt.example.org", "STT.Example.org:443"),
        ("STT.example.org.", "stt.example.org"),
        ("*.example.org", "a.b.example.org:8000"),
        ("*.ts.net", "pc.tail1234.ts.net"),
        ("*.svc", "govor.default.svc:8000"),
        ("говор.рф", "xn--b1ab7abk.xn--p1ai"),
        ("xn--b1ab7abk.xn--p1ai", "говор.рф"),
        ("*", "anything.example"),
    ],
)
def test_the_operator_may_allow_further_names(allowed: str, host: str) -> None:
    assert verdict(Settings(allowed_hosts=allowed), host=host) == ""


@pytest.mark.parametrize(
    ("allowed", "host"), [("*.example.org", "example.org"), ("*.example.org", "evilexample.org")]
)
def test_a_pattern_means_what_lies_below_a_name(allowed: str, host: str) -> None:
    assert verdict(Settings(allowed_hosts=allowed), host=host) == "host_denied"


def test_the_name_that_it_listens_on_is_its_own() -> None:
    assert verdict(Settings(host="stt.example.org"), host="stt.example.org:8000") == ""
    assert verdict(Settings(bind="stt.example.org:80,127.0.0.1:8000"), host="stt.example.org") == ""


@pytest.mark.parametrize(
    "pattern",
    [
        "http://stt.example.org",
        "stt.example.org:8000",
        "*.*.org",
        "stt.*",
        "*example.org",
        "a b",
        ".",
        "a..b",
    ],
)
def test_a_name_that_can_match_nothing_is_an_error_at_start(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--allowed-hosts: '.*' is the name of no host; write"):
        load_settings(allowed_hosts=pattern)


def test_if_keys_are_required_any_name_will_do(serve: Any) -> None:
    server = serve(preload=(), api_keys=("sk",))
    assert ask(server, host=STRANGER, authorization="Bearer sk")[0] == 200
    assert ask(server, host=STRANGER)[0] == 401


def test_with_a_key_of_the_administrator_alone_names_are_still_checked(serve: Any) -> None:
    assert ask(serve(preload=(), admin_key="chief"), host=STRANGER) == (403, "host_denied")


def test_names_and_origins_are_taken_in_while_it_runs(serve: Any) -> None:
    server = serve(preload=())
    wanted = server.service.settings.model_copy(update={"allowed_hosts": ("evil.example",)})
    assert server.service.change(wanted) == (["allowed_hosts"], [])
    assert ask(server, host=STRANGER)[0] == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1.evil.example"},
        {"origin": "https://localhost.evil.example"},
        {"origin": "http://localhost@evil.example"},
        {"origin": "chrome-extension://abcdef"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"},
        {"sec_fetch_site": "same-site", "origin": "https://evil.example"},
    ],
)
def test_a_strangers_page_gets_nothing(open_server: Any, method: str, headers: dict[str, str]) -> None:
    path = "/v1/models" if method in ("GET", "HEAD") else "/v1/models/echo/unload"
    status, code = ask(open_server, method, path, **headers)
    assert (status, code) == (403, "" if method == "HEAD" else "origin_denied")


def test_a_link_may_lead_to_the_pages_that_are_open(open_server: Any) -> None:
    headers = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert ask(open_server, path="/docs", **headers)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:8000"},
        {"origin": "http://localhost:3000", "sec_fetch_site": "cross-site"},
        {"origin": "http://app.localhost:3000"},
        {"origin": "http://[::1]:3000"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_mode": "cors"},
    ],
    ids=str,
)
def test_programs_and_pages_of_this_machine_go_on(headers: dict[str, str]) -> None:
    assert verdict(Settings(), host="127.0.0.1:8000", **headers) == ""


@pytest.mark.parametrize(
    ("allowed", "origin", "listed"),
    [
        ("https://app.example", "https://app.example", True),
        ("https://app.example/", "https://APP.example", True),
        ("https://app.example:443", "https://app.example", True),
        ("https://app.example", "https://app.example:8443", False),
        ("https://app.example", "http://app.example", False),
        ("https://app.example", "https://app.example.evil.example", False),
        ("https://app.example", "https://appxexample", False),
        ("https://*.app.example", "https://a.b.app.example", True),
        ("https://*.app.example", "https://app.example", False),
        ("https://*.app.example", "https://evilapp.example", False),
        ("https://*.app.example", "https://evil.example:1/.app.example", False),
        ("http://app.example:*", "http://app.example:5173", True),
        ("http://app.example:*", "http://app.example", True),
        ("http://app.example:*", "http://app.example.evil.example:1", False),
        ("moz-extension://*", "moz-extension://1b0e5a3e-9c1f-4a43-8d1a-2f9a6c1f7f10", True),
        ("chrome-extension://*", "moz-extension://1b0e5a3e-9c1f-4a43-8d1a-2f9a6c1f7f10", False),
        ("app://obsidian.md", "app://obsidian.md", True),
        ("capacitor://*", "capacitor://app", True),
        ("file://", "file://", True),
        ("http://[::2]:*", "http://[::2]:3000", True),
        ("https://говор.рф", "https://xn--b1ab7abk.xn--p1ai", True),
        ("null", "null", True),
        ("*", "https://anything.example", True),
    ],
)
def test_origins_may_be_patterns(allowed: str, origin: str, listed: bool) -> None:
    expected = "" if listed else "origin_denied"
    assert verdict(Settings(allow_origins=allowed), host="127.0.0.1:8000", origin=origin) == expected


@pytest.mark.parametrize(
    "pattern",
    ["app.example", "https://", "https://app.example/path", "https://*app.example", "https://u@app.example",
     "https://app.*", "moz-extension:*", "https://app.example?x", "**", "localhost:3000"],
)  # fmt: skip
def test_an_origin_that_can_match_nothing_is_an_error_at_start(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--allow-origins: '.*' is no origin; write https://app"):
        load_settings(allow_origins=pattern)


def test_a_page_that_is_let_in_may_call_the_server_by_any_name() -> None:
    settings = Settings(allow_origins="https://app.example")
    assert verdict(settings, host="stt.example", origin="https://app.example") == ""
    assert verdict(settings, host="stt.example") == "host_denied"


def test_if_all_origins_are_allowed_every_name_is() -> None:
    assert verdict(Settings(allow_origins="*"), host=STRANGER, origin=f"http://{STRANGER}") == ""


@pytest.mark.parametrize(
    ("proxies", "headers", "code"),
    [
        (1, {"host": "stt.example", "origin": PAGE, "x_forwarded_proto": "https"}, ""),
        (1, {"host": "127.0.0.1:1", "origin": PAGE, "x_forwarded_host": "stt.example"}, "host_denied"),
        (1, {"host": "127.0.0.1:1", "origin": PAGE, "x_forwarded_host": "stt.example",
             "x_forwarded_proto": "https"}, ""),
        (0, {"host": "127.0.0.1:1", "origin": PAGE, "x_forwarded_host": "stt.example",
             "x_forwarded_proto": "https"}, "origin_denied"),
        (0, {"host": "127.0.0.1:1", "origin": PAGE, "sec_fetch_site": "same-origin"}, ""),
        (0, {"host": "stt.example", "origin": PAGE, "sec_fetch_site": "same-origin"}, ""),
        (0, {"host": "box", "origin": "http://box:8080"}, ""),
        (0, {"host": "box:80", "origin": "http://box:8080"}, "origin_denied"),
        (2, {"host": "govor:1", "origin": PAGE, "x_forwarded_host": "stt.example, inner",
             "x_forwarded_proto": "https, http"}, ""),
        (1, {"host": "govor:1", "origin": PAGE, "x_forwarded_host": "stt.example, inner",
             "x_forwarded_proto": "https, http"}, "origin_denied"),
        (1, {"host": "127.0.0.1:1", "origin": PAGE, "forwarded": "for=::1;host=stt.example;proto=https"}, ""),
        (0, {"host": "127.0.0.1:1", "origin": PAGE, "forwarded": "host=stt.example;proto=https"},
         "origin_denied"),
    ],
)  # fmt: skip
def test_the_servers_own_page_is_known_behind_a_proxy(
    proxies: int, headers: dict[str, str], code: str
) -> None:
    assert verdict(Settings(trusted_proxies=proxies), **headers) == code


def test_a_name_that_was_turned_to_the_proxy_is_seen_where_the_proxy_passes_it_on() -> None:
    settings = Settings(trusted_proxies=1)
    assert verdict(settings, host="govor:1", x_forwarded_host="evil.example") == "host_denied"
    assert verdict(settings, host="govor:1", x_forwarded_host="nas.local") == ""
    named = Settings(trusted_proxies=1, allowed_hosts="stt.example")
    assert verdict(named, host="govor:1", x_forwarded_host="stt.example") == ""


def test_a_page_cannot_talk_itself_in_with_headers_of_proxies() -> None:
    claims = {"x_forwarded_host": "localhost", "x_forwarded_proto": "https", "x_forwarded_for": "::1"}
    for settings in (Settings(), Settings(trusted_proxies=1)):
        assert verdict(settings, host=STRANGER, **claims) == "host_denied"
        assert verdict(settings, host=STRANGER, origin=f"http://{STRANGER}", **claims) == "host_denied"


def test_a_form_on_an_encrypted_page_does_not_vouch_for_its_name_without_encryption() -> None:
    assert verdict(Settings(), host="evil.example", origin="https://evil.example") == "host_denied"


@pytest.mark.parametrize("asked", [True, False])
def test_a_page_that_is_let_in_may_come_from_a_public_network(serve: Any, asked: bool) -> None:
    server = serve(preload=(), allow_origins=("https://chat.example",))
    headers = {"access-control-request-method": "POST"}
    if asked:
        headers["access-control-request-private-network"] = "true"
    with server.client() as client:
        url = "/v1/audio/transcriptions"
        let_in = client.options(url, headers={"origin": "https://chat.example", **headers})
        other = client.options(url, headers={"origin": "https://evil.example", **headers})
    assert let_in.headers.get("access-control-allow-private-network") == ("true" if asked else None)
    assert "access-control-allow-private-network" not in other.headers


def test_an_extension_is_let_in_by_its_scheme(serve: Any) -> None:
    origin = "moz-extension://1b0e5a3e-9c1f-4a43-8d1a-2f9a6c1f7f10"
    with serve(preload=(), allow_origins=("moz-extension://*",)).client() as client:
        answer = client.get("/v1/models", headers={"origin": origin})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["vary"] == "origin"
