"""A package from outside, installed with pip beside Govor, answers; a broken one does no harm.

It is installed into an environment of its own, not into that of the tests. That environment includes the
tests' packages, Govor itself among them, as they are.
"""

import os
import re
import subprocess
import sys
import sysconfig
import venv
import wave
from pathlib import Path

import httpx
import pytest

PATIENCE_SECONDS = 60

PROJECT = """\
[build-system]
requires = []  # setuptools would have to be fetched
build-backend = "packing"
backend-path = ["."]

[project]
name = "someones-{name}"
version = "3.1"

[project.entry-points.govor]
{name} = "someones_{name}"
"""

PACKING = '''\
"""The least that pip asks of a build backend: the modules beside pyproject.toml, packed into a wheel."""

import tomllib
import zipfile
from pathlib import Path


def build_wheel(folder, config_settings=None, metadata_directory=None):
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    stem = project["name"].replace("-", "_") + "-" + project["version"]
    points = "".join(f"{name} = {module}\\n" for name, module in project["entry-points"]["govor"].items())
    metadata = f"Metadata-Version: 2.1\\nName: {project['name']}\\nVersion: {project['version']}\\n"
    with zipfile.ZipFile(Path(folder) / f"{stem}-py3-none-any.whl", "w") as wheel:
        for module in Path().glob("someones_*.py"):
            wheel.write(module)
        wheel.writestr(f"{stem}.dist-info/METADATA", metadata)
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(f"{stem}.dist-info/entry_points.txt", "[govor]\\n" + points)
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    return f"{stem}-py3-none-any.whl"
'''

PARROT = """\
import govor


class Bird:
    info = govor.RecognizerInfo()

    def transcribe(self, batch, options):
        return [[govor.Segment("Pieces of eight!")] for _ in batch]

    def close(self):
        pass


class Parrot:
    def models(self):
        return [govor.ModelSpec("parrot", aliases=("polly",))]

    def load(self, spec, folder, runtime):
        return Bird()


@govor.hookimpl
def backend(settings):
    return Parrot()
"""

BROKEN = 'raise ImportError("libspeech.so.7 is missing")\n'


class Environment:
    """A virtual environment that includes the packages of the tests' environment."""

    def __init__(self, folder: Path):
        venv.create(folder)
        self.folder = folder
        self.python = folder / "bin/python"
        paths = {"base": str(folder), "platbase": str(folder)}
        outer = sysconfig.get_path("purelib")
        inner = Path(sysconfig.get_path("purelib", "venv", vars=paths))
        (inner / "outer.pth").write_text(f"import site; site.addsitedir({outer!r})\n")

    def install(self, name: str, module: str) -> None:
        """Write a package with one module and install it."""
        source = self.folder / f"someones-{name}"
        source.mkdir()
        (source / "pyproject.toml").write_text(PROJECT.format(name=name))
        (source / "packing.py").write_text(PACKING)
        (source / f"someones_{name}.py").write_text(module)
        pip = [sys.executable, "-m", "pip", "--python", self.python, "install", "--no-index", "--no-deps"]
        ran = subprocess.run([*pip, source], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def govor(self, *arguments: str) -> subprocess.Popen:
        """Start `govor` in an empty folder without plugins.toml; large models are not loaded."""
        return subprocess.Popen(
            [self.python, "-m", "govor", *arguments],
            cwd=self.folder,
            env=os.environ | {"GOVOR_DISABLE": "whisper,silero", "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    made = Environment(tmp_path_factory.mktemp("environment"))
    made.install("parrot", PARROT)
    made.install("broken", BROKEN)
    return made


@pytest.fixture(scope="module")
def client(environment):
    """A client of a server in that environment."""
    models = environment.folder / "models"
    with environment.govor("serve", "--port", "0", "--models-dir", str(models)) as server:
        try:
            greeting = server.stdout.readline()
            url = re.search(r"http://[\d.:]+", greeting)
            assert url, greeting + server.stderr.read()
            with httpx.Client(base_url=url[0], timeout=PATIENCE_SECONDS, trust_env=False) as client:
                yield client
        finally:
            server.terminate()
            server.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture
def sound(tmp_path):
    """A second of silence: the model ignores its input."""
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(32_000))
    return path


def test_an_installed_package_appears_among_the_models(client):
    models = {model["id"]: model for model in client.get("/v1/models").json()["data"]}
    assert models["parrot"]["owned_by"] == "parrot"
    assert models["parrot"]["aliases"] == ["polly"]


@pytest.mark.parametrize("name", ["parrot", "polly", "parrot/parrot"])
def test_an_installed_package_answers(client, sound, name):
    files = {"file": ("sound.wav", sound.read_bytes())}
    answer = client.post("/v1/audio/transcriptions", files=files, data={"model": name, "vad": "false"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["text"] == "Pieces of eight!"


def test_a_broken_package_is_shown_with_its_reason_while_the_server_lives(client):
    plugins = {plugin["name"]: plugin for plugin in client.get("/v1/plugins").json()["data"]}
    assert plugins["parrot"]["state"] == "ready"
    assert plugins["broken"]["state"] == "failed"
    assert plugins["broken"]["reason"] == "ImportError: libspeech.so.7 is missing"
    assert plugins["broken"]["distribution"] == "someones-broken"
    assert plugins["broken"]["version"] == "3.1"
    assert client.get("/health").status_code == 200


def test_the_command_line_shows_a_broken_package_with_its_reason(environment):
    with environment.govor("plugins") as listing:
        out, err = listing.communicate(timeout=PATIENCE_SECONDS)
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert listing.returncode == 0, err
    assert re.match(r"parrot\tready\tsomeones-parrot 3\.1\tbackend\t1", lines["parrot"])
    assert re.match(r"broken\tfailed\tsomeones-broken 3\.1\t.*ImportError: libspeech\.so\.7", lines["broken"])


def test_the_server_refuses_to_start_without_a_required_package_that_is_broken(environment):
    with environment.govor("serve", "--port", "0", "--require", "broken") as server:
        _, err = server.communicate(timeout=PATIENCE_SECONDS)
    assert server.returncode == 1
    assert "'broken' is required but not ready: ImportError: libspeech.so.7 is missing" in err
