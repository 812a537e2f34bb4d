"""Install the wheels as a user would, with the lowest and newest versions allowed, and try them.

`make test-versions` runs it. It uses the oldest and the newest supported Python on this machine. Only Govor
is built from source; constraints.txt, which no user has, is not used.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SMOKE = Path(__file__).with_name("smoke.py")
PLUGINS = (
    "echo",
    "whisper",
    "silero",
    "gigaam-onnx",
    "diarizer",
    "moonshine",
    "wyoming",
    "documents",
    "text",
)
"""The plugins without torch."""
RESOLUTIONS = ("lowest-direct", "highest")
OLDEST = (3, 11)
SHOWN_LINES = 40
LEFT_OUT = shutil.ignore_patterns("*.egg-info", "__pycache__", "build", "tests")

Version = tuple[int, ...]


def main() -> None:
    """Try every pair of Python and versions; exit with 1 if one fails."""
    pythons = chosen(found_pythons())
    if len(pythons) < 2:
        print("Only one Python from 3.11 on is on this machine: tried with that one alone.")
    with tempfile.TemporaryDirectory() as folder:
        wheels = build_wheels(Path(folder))
        failed = [
            f"Python {version}, {resolution}"
            for version, python in pythons.items()
            for resolution in RESOLUTIONS
            if not works(python, version, resolution, wheels)
        ]
    if failed:
        sys.exit(f"Does not work: {'; '.join(failed)}")


def found_pythons() -> dict[Version, str]:
    """Return every released Python on the path and of pyenv, by its version."""
    names = [f"python3.{minor}" for minor in range(OLDEST[1], 40)]
    paths = [*filter(None, map(shutil.which, names)), sys.executable]
    paths += [str(path) for path in Path.home().glob(".pyenv/versions/3.*/bin/python")]
    found = {}
    for path in paths:
        code = "import sys; v = sys.version_info; print(*v[:3] if v.releaselevel == 'final' else ())"
        ran = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
        if ran.returncode == 0 and ran.stdout.strip():
            found[tuple(map(int, ran.stdout.split()))] = path
    return found


def chosen(found: dict[Version, str]) -> dict[str, str]:
    """Return the oldest and the newest that Govor supports, by the names of their versions."""
    known = sorted(version for version in found if version >= OLDEST)
    return {".".join(map(str, version)): found[version] for version in dict.fromkeys((known[0], known[-1]))}


def build_wheels(folder: Path) -> list[str]:
    """Build a wheel of Govor and of each plugin, from copies, so that this tree stays clean."""
    wheels = folder / "wheels"
    for source in (ROOT, *(ROOT / "backends" / name for name in PLUGINS)):
        copy = folder / source.name
        copy.mkdir()
        for name in ("pyproject.toml", "README.md", "LICENSE", "core", "src"):
            if (source / name).is_dir():
                shutil.copytree(source / name, copy / name, ignore=LEFT_OUT)
            elif (source / name).is_file():
                shutil.copy(source / name, copy)
        uv("build", "--wheel", "--out-dir", str(wheels), str(copy))
    return sorted(map(str, wheels.glob("*.whl")))


def works(python: str, version: str, resolution: str, wheels: list[str]) -> bool:
    """Install the wheels into a fresh environment and try them."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder, "venv")
        uv("venv", "--python", python, str(environment))
        inside = str(environment / "bin/python")
        (core,) = (Path(wheel).as_uri() for wheel in wheels if Path(wheel).name.startswith("govor-"))
        chosen = ("--resolution", resolution, "--only-binary", ":all:", "--python", inside)
        uv("pip", "install", *chosen, *wheels, f"govor[default] @ {core}", *requirements())
        ran = subprocess.run([inside, str(SMOKE)], capture_output=True, text=True, check=False)
        said = "works" if ran.returncode == 0 else "\n".join(ran.stderr.splitlines()[-SHOWN_LINES:])
        if ran.returncode:
            uv("pip", "list", "--python", inside)
    print(f"Python {version}, {resolution}, {time.monotonic() - began:.0f} s: {said}", flush=True)
    return ran.returncode == 0


def requirements() -> list[str]:
    """Return the requirements of Govor and the plugins: the resolver lowers only those that it is given."""
    files = [ROOT / "pyproject.toml", *(ROOT / "backends" / name / "pyproject.toml" for name in PLUGINS)]
    found = [
        line
        for file in files
        for line in tomllib.loads(file.read_text(encoding="utf-8"))["project"]["dependencies"]
    ]
    return sorted({line for line in found if not re.match(r"govor\b", line)})


def uv(*arguments: str) -> None:
    """Run uv, with pip's index and only the Pythons of this machine. Prints its output if it fails."""
    env = {"UV_PYTHON_DOWNLOADS": "never", **os.environ}
    if index := pip_index():
        env.setdefault("UV_DEFAULT_INDEX", index)
    loud = arguments[:2] == ("pip", "list")
    ran = subprocess.run(
        [sys.executable, "-m", "uv", *arguments], env=env, capture_output=True, text=True, check=False
    )
    if loud or ran.returncode:
        print(ran.stdout + ran.stderr, flush=True)
    ran.check_returncode()


def pip_index() -> str:
    """Return the index that pip is configured to use; "" if it has only its default."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return os.environ.get("PIP_INDEX_URL") or told.stdout.strip()


if __name__ == "__main__":
    main()
