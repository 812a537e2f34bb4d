"""The keys that open the API: from the settings and from a file that may change while the server runs."""

from __future__ import annotations

import hmac
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

from govor.errors import ConfigurationError
from govor.plain import in_words
from govor.settings.values import split

if TYPE_CHECKING:
    from govor.settings.operations import OperationsSettings

LOOK_SECONDS = 1.0
"""Least seconds between two looks at the file."""

CLIENTS_KEY = "GOVOR_API_KEY"
"""The variable of a client's key, for commands that ask a running server."""

MEANT_FOR_KEYS = frozenset(
    {CLIENTS_KEY, "GOVOR_APIKEY", "GOVOR_APIKEYS", "GOVOR_KEY", "GOVOR_KEYS", "GOVOR_AUTH_TOKEN"}
    | {"GOVOR_API_TOKEN", "GOVOR_API_TOKENS", "GOVOR_TOKEN", "GOVOR_TOKENS", "GOVOR_API_KEY_FILE"}
)
"""Variables of a user who likely wants the server to ask for a key; none is a setting of the server."""

ADMIN = "admin"
"""Name of the administrator's key."""

NAMED = " = "
"""Separator between a key's name and the key: no client can send a key that contains a space."""

NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
"""Names become labels of metrics and words of the log."""

LIKE_A_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""A part before "=" that may be shown: longer ones, or other characters, could be the secret itself."""

SHOWN = 10
"""Most names in one line."""

log = logging.getLogger(__name__)


def _with_names(value: Any) -> Any:
    """Turn a table of keys by name, or its JSON, into "NAME = KEY" strings; a list stays as it is."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise ValueError('must be keys between commas, or a table in JSON: {"name": "key"}') from error
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value.values()):
            raise ValueError("must have one key for each name")
        value = [f"{name}{NAMED}{key}" for name, key in value.items()]
    value = split(value)
    if isinstance(value, list | tuple):
        for one in value:
            if isinstance(one, str):
                _parse(one)
    return value


def _parse(text: str) -> tuple[str, bytes]:
    """Return name and key of "NAME = KEY" or "KEY"; "": the key has no name. Raises ValueError."""
    name, named, key = text.rpartition(NAMED)
    if named and not NAME.fullmatch(name.strip()):
        raise ValueError("names of keys have letters, digits, dots, _ and -, 40 at most")
    return name.strip(), key.strip().encode()


ApiKeys = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_with_names)]


class Keys:
    """The keys that open the API. If the file becomes unreadable, the keys stay as they were."""

    def __init__(self, settings: OperationsSettings, clock: Callable[[], float] = time.monotonic):
        """Raise ConfigurationError if the file of keys cannot be read."""
        self._clock = clock
        self.change(settings)

    def change(self, settings: OperationsSettings) -> None:
        """Use the keys of other settings. If it raises ConfigurationError, the keys stay as they were."""
        path = settings.api_keys_file
        stamp, listed = _read(path) if path else (None, [])
        self._path, self._stamp, self._looked = path, stamp, self._clock()
        self._given = [_parse(one) for one in settings.api_keys]
        self._listed = listed
        self._admin = [(ADMIN, settings.admin_key.encode())] if settings.admin_key else []

    @property
    def asked(self) -> bool:
        """Whether requests need a key. With an empty key file they do, and no key opens the API."""
        return bool(self._given or self._path)

    @property
    def separate_admin(self) -> bool:
        """Whether the management needs a key of its own."""
        return bool(self._admin)

    def summary(self) -> str:
        """Return the number of keys and their names, for the log."""
        names = [name for name, _ in (*self._given, *self._listed)]
        called, nameless = list(dict.fromkeys(filter(None, names))), names.count("")
        words = _some(called) + ([f"{nameless} without a name"] if nameless else [])
        return f"{len(names)} ({', '.join(words)})" if names else "none, so no client gets in"

    def doubts(self) -> str:
        """Return a sentence about keys with a part that may be meant as a name; it shows no key. "": none."""
        found = [_before_equals(key) for name, key in (*self._given, *self._listed) if not name]
        doubtful = [name for name in found if name is not None]
        if not doubtful:
            return ""
        called, further = [f"{name}=…" for name in doubtful if name], doubtful.count("")
        words = _some(called) + ([f"{further} with other signs before it"] if further else [])
        return (
            f"The '=' of {', '.join(words)} counts as part of the key, and what stands before it too. If "
            "that is a name, put spaces around the '=': NAME = KEY"
        )

    def opens(self, given: bytes) -> bool:
        """Tell whether this key opens the API."""
        return self._found(given) is not None

    def name_of(self, given: bytes) -> str:
        """Return the name that the operator gave to this key; "" if it has none, or does not open the API."""
        return self._found(given) or ""

    def _found(self, given: bytes) -> str | None:
        self._look()
        return _name_among(given, [*self._given, *self._listed, *self._admin])

    def manages(self, given: bytes) -> bool:
        """Tell whether this is the administrator's key."""
        return _name_among(given, self._admin) is not None

    def _look(self) -> None:
        """Read the file again if it has changed."""
        if self._path is None or self._clock() - self._looked < LOOK_SECONDS:
            return
        self._looked = self._clock()
        try:
            if _stamp(self._path) == self._stamp:
                return
            self._stamp, listed = _read(self._path)
        except (ConfigurationError, OSError) as error:
            if self._stamp is not None:
                log.error("The keys stay as they were: %s", in_words(error))
            self._stamp = None
            return
        self._listed = listed
        log.info("Read %d keys from %s", len(listed), self._path)
        if doubts := self.doubts():
            log.warning("%s", doubts)


def refuse_clients_key(keys: Keys) -> None:
    """Raise ConfigurationError if a variable holds a key but the server would ask for none.

    The administrator's key is allowed there: the commands that manage the server need it.
    """
    if keys.asked:
        return
    for name, value in sorted(os.environ.items()):
        if name.upper() in MEANT_FOR_KEYS and value and not keys.manages(value.encode()):
            other = "a client's key" if name.upper() == CLIENTS_KEY else "no setting"
            raise ConfigurationError(
                f"{name} is {other}, and without GOVOR_API_KEYS the server would require no key. Give "
                f"its keys in GOVOR_API_KEYS, or unset {name} to serve every client."
            )


def _name_among(given: bytes, keys: Iterable[tuple[str, bytes]]) -> str | None:
    """Return the name of the key among `keys`; None: it is not among them.

    All are compared, so that the time does not reveal which one matches.
    """
    found = [name for name, key in keys if hmac.compare_digest(given, key)]
    return found[0] if found else None


def _some(names: list[str]) -> list[str]:
    """Return as many names as a line shows, and the number of the others."""
    return names[:SHOWN] + ([f"{len(names) - SHOWN} more"] if len(names) > SHOWN else [])


def _before_equals(key: bytes) -> str | None:
    """Return the text before "=" if it could be a name, "" if it could not; None: there is no such sign.

    At the end of a key, the sign is base64 padding.
    """
    name, _, rest = key.decode().partition("=")
    if not rest.strip("= "):
        return None
    return name.strip() if LIKE_A_NAME.fullmatch(name.strip()) else ""


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> tuple[tuple[int, int, int], list[tuple[str, bytes]]]:
    """Return the file's stamp, and its keys with names: one per line, without empty ones and # comments.

    Raises ConfigurationError.
    """
    try:
        stamp = _stamp(path)
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(f"The keys in {path} cannot be read: {reason}.") from error
    try:
        return stamp, [_parse(line) for line in lines if line and not line.startswith("#")]
    except ValueError as error:
        raise ConfigurationError(f"The keys in {path} cannot be read: {error}.") from error
