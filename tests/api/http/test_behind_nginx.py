"""nginx with the file that Govor has for it: TLS, a path before all others, large bodies, streams."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from govor.contract.models import ModelSpec
from govor.testing import FakeLongForm, hum
from support.sound import media
from support.waiting import Turnstile, eventually

NAME = "stt.example.org"
URL = "/stt/v1/audio/transcriptions"
AROUND = """
daemon off;
pid {folder}/pid;
error_log {folder}/log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxy;
    {site}
}}
"""


@pytest.fixture
def model() -> FakeLongForm:
    return FakeLongForm(ModelSpec("fake"), gate=Turnstile())


@pytest.fixture
def site(
    serve_model: Callable[..., Any], model: FakeLongForm, root: Path, tmp_path: Path, free_port: int
) -> Iterator[Named]:
    """A client of nginx, which stands before a server of a fake model."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if not nginx:
        pytest.skip("there is no nginx here")
    server = serve_model(model, default_models=("fake",), trusted_proxies=1, allowed_hosts=(NAME,))
    certificate, key = tmp_path / "certificate", tmp_path / "key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME}", "-out", certificate, "-keyout", key],
        check=True, capture_output=True,
    )  # fmt: skip
    text = (root / "deploy/nginx.conf").read_text(encoding="utf-8")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{free_port} ssl")
    text = re.sub(r"ssl_certificate \S+;", f"ssl_certificate {certificate};", text)
    text = re.sub(r"ssl_certificate_key \S+;", f"ssl_certificate_key {key};", text)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(AROUND.format(folder=tmp_path, site=text), encoding="utf-8")
    process = subprocess.Popen([nginx, "-e", tmp_path / "log", "-c", configuration])
    context = ssl.create_default_context(cafile=str(certificate))
    headers = {"host": f"{NAME}:{free_port}"}
    try:
        url = f"https://127.0.0.1:{free_port}"
        with httpx.Client(base_url=url, verify=context, timeout=60, headers=headers) as client:
            yield Named(client)
    finally:
        process.terminate()
        assert process.wait(20) == 0


class Named:
    """A client that asks for the site by its name, wherever it is."""

    def __init__(self, client: httpx.Client):
        self._client = client
        assert eventually(self._answers)

    def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        return self._client.request(method, path, extensions={"sni_hostname": NAME}, **kwargs)

    def stream(self, method: str, path: str, **kwargs: Any) -> Any:
        return self._client.stream(method, path, extensions={"sni_hostname": NAME}, **kwargs)

    def _answers(self) -> bool:
        try:
            return self.request("GET", "/stt/health").status_code == 200
        except httpx.TransportError:
            return False


def test_the_page_and_what_it_sends_work_below_the_path(site: Named, model: FakeLongForm) -> None:
    model.gate.open(10)
    browser = {"accept": "text/html", "sec-fetch-site": "none"}
    led = site.request("GET", "/stt/", headers=browser)
    address = urljoin("/stt/", led.headers["location"])
    page = site.request("GET", address, headers=browser).text
    for link in re.findall(r'(?:href|src)="([^"]+)"', page):
        assert site.request("GET", urljoin(address, link)).status_code == 200
    host = site.request("GET", "/stt/health").request.headers["host"]
    answer = site.request(
        "POST",
        URL,
        files={"file": media.wav(hum(1))},
        headers={"origin": f"https://{host}", "sec-fetch-site": "same-origin"},
    )
    assert answer.status_code == 200, answer.text


def test_a_body_larger_than_nginx_takes_by_itself_comes_through(site: Named, model: FakeLongForm) -> None:
    model.gate.open(1000)
    answer = site.request("POST", URL, files={"file": media.wav(hum(100))})
    assert answer.status_code == 200, answer.text
    assert answer.json()["usage"]["seconds"] == 100


def test_a_stream_comes_piece_by_piece(site: Named, model: FakeLongForm) -> None:
    with site.stream("POST", URL, files={"file": media.wav(hum(65))}, data={"stream": "true"}) as answer:
        model.gate.open()
        lines = (line for line in answer.iter_lines() if line.startswith("data: "))
        assert "delta" in next(lines), "while the model waits with the rest"
        model.gate.open(1000)
        assert "[DONE]" in list(lines)[-1]
