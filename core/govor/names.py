"""Checks of names from outside before they become part of a path: a hub's, a manifest's, a row's.

Only this module says which names are allowed; all code that makes a path of a name checks it here.
"""

from __future__ import annotations

import re

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")
JOB = re.compile(r"job_[0-9a-f]{24}")
REPOSITORY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*")
MARK = ".govor"
"""Part of the names of all files that Govor and its plugins keep beside a model's own."""

LONGEST = 255
"""Bytes of one name on Linux, macOS and Windows: NAME_MAX of limits.h."""


def is_commit(text: str) -> bool:
    """Tell whether this is a full git commit hash."""
    return COMMIT.fullmatch(text) is not None


def is_sha256(text: str) -> bool:
    """Tell whether this is a sha256 in lower-case hex."""
    return SHA256.fullmatch(text) is not None


def is_blob(text: str) -> bool:
    """Tell whether this names a file in the hub's cache: git's hash of it, or the sha256 of a large one."""
    return is_commit(text) or is_sha256(text)


def is_job(text: object) -> bool:
    """Tell whether this is a job's id, which also names its recording."""
    return isinstance(text, str) and JOB.fullmatch(text) is not None


def is_repository(text: str) -> bool:
    """Tell whether this is OWNER/REPO in the hub's form."""
    return REPOSITORY.fullmatch(text) is not None and ".." not in text


def is_name(text: str) -> bool:
    """Tell whether this names an entry of a folder, and nothing above or below that folder."""
    return (
        text not in ("", ".", "..")
        and text.isprintable()
        and not set(text) & set("/\\:")
        and len(text.encode("utf-8", "replace")) <= LONGEST
    )


def is_model_file(text: str) -> bool:
    """Tell whether this is a path inside a model's folder, with forward slashes, of none of Govor's files."""
    parts = text.split("/")
    return all(is_name(part) for part in parts) and MARK not in text


def is_marked(name: str) -> bool:
    """Tell whether a file beside a model's own is Govor's or a plugin's."""
    return MARK in name


def folder_name(name: str) -> str:
    """Return a folder name for any text: it stays inside its parent folder and is not hidden."""
    text = "".join(letter if letter.isprintable() else "_" for letter in name)
    text = text.replace("/", "--").replace("\\", "--")
    return re.sub(r"^\.+", lambda dots: "_" * len(dots[0]), text) or "_"
