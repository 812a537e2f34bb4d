"""Distributions made for a test: pip's files in a folder for `sys.path` or PYTHONPATH."""

from __future__ import annotations

from pathlib import Path


def install_package(site: Path, name: str, files: dict[str, bytes | str], entry_points: str = "") -> None:
    """Put a distribution and its files into `site`; `entry_points` is the text of its entry_points.txt."""
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    contents = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/entry_points.txt": entry_points,
        **files,
    }
    for path, content in contents.items():
        target = site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())


def install_plugin(site: Path, name: str, source: str) -> None:
    """Put a plugin of one module into `site`."""
    module = name.replace("-", "_")
    install_package(site, f"govor-{name}", {f"{module}.py": source}, f"[govor]\n{name} = {module}\n")
