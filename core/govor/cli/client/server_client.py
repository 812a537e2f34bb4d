"""A client of a running server: its JSON routes and its event streams.

Errors have the server's own message, or say that the server cannot be reached.
"""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

import click
from click.core import ParameterSource

from govor.cli.terminal.say import say_json
from govor.errors import GovorError
from govor.plain import in_words, is_text

if TYPE_CHECKING:
    import httpx

DEFAULT_SERVER = "http://127.0.0.1:8000"
CONNECT_SECONDS = 10.0

Params = dict[str, str]


class Refused(GovorError):
    """The server refused the request, or cannot be reached."""


class Remote:
    """A client of one server. Every method raises Refused."""

    def __init__(self, url: str, key: str | None = None):
        if not url.startswith(("http://", "https://")):
            url = f"http://{url}"
        self.url = url.rstrip("/").removesuffix("/v1")
        self._key = key
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def get(self, path: str, params: Params | None = None) -> Any:
        """Return the JSON that a GET answers."""
        return self._ask("GET", path, params=params)

    def post(self, path: str, body: object = None, params: Params | None = None) -> Any:
        """Return the JSON that a POST of JSON answers."""
        return self._ask("POST", path, params=params, json=body)

    def delete(self, path: str, params: Params | None = None) -> Any:
        """Return the JSON that a DELETE answers."""
        return self._ask("DELETE", path, params=params)

    def body(self, path: str, params: Params | None = None) -> str | bytes:
        """Return the text that a GET answers or, if its type is that of no text, the bytes."""
        answer = self._answer("GET", path, params=params)
        return answer.text if is_text(answer.headers.get("content-type", "")) else answer.content

    def send(self, path: str, fields: Params, file: tuple[str, IO[bytes]]) -> Any:
        """Return the JSON that a POST of a form with a `file` answers."""
        return self._ask("POST", path, data=fields, files={"file": file})

    def events(
        self, path: str, body: object = None, params: Params | None = None
    ) -> Iterator[tuple[str, Any]]:
        """Yield (event, data) of a stream that a POST begins; data is None if the event has none."""
        import httpx

        with (
            self._connection_errors(),
            httpx.stream("POST", self.url + path, json=body, params=params, **self._usual) as response,
        ):
            if not response.is_success:
                response.read()
                raise self._refusal(response)
            try:
                yield from parse_events(response.iter_lines())
            except json.JSONDecodeError as error:
                raise Refused(unreadable(self.url)) from error

    @asynccontextmanager
    async def upload(
        self, path: str, fields: dict[str, Any], file: tuple[str, IO[bytes]], params: Params | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Send a form with a `file`; yield the answer, whose body is not read yet."""
        import httpx

        with self._connection_errors():
            async with (
                httpx.AsyncClient(**self._usual) as client,
                client.stream(
                    "POST", self.url + path, data=fields, files={"file": file}, params=params
                ) as answer,
            ):
                if not answer.is_success:
                    await answer.aread()
                    raise self._refusal(answer)
                yield answer

    @property
    def _usual(self) -> dict[str, Any]:
        # loading or fetching a model may take minutes; the server limits the time
        return {"headers": self._headers, "timeout": (CONNECT_SECONDS, None, None, None)}

    def _ask(self, method: str, path: str, **kwargs: Any) -> Any:
        try:
            return self._answer(method, path, **kwargs).json()
        except ValueError as error:
            raise Refused(f"{self.url} is no Govor server: {path} did not answer JSON.") from error

    def _answer(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        import httpx  # slow to import, and needed by few commands

        with self._connection_errors():
            response = httpx.request(method, self.url + path, **kwargs, **self._usual)
            if not response.is_success:
                raise self._refusal(response)
            return response

    def _refusal(self, response: httpx.Response) -> Refused:
        """Return the server's message or status; if a key is missing or wrong, say how to give it."""
        if response.status_code == 401:
            fault = "does not know the key of" if self._key else "asks for a key: give it with"
            return Refused(f"{self.url} {fault} --api-key or GOVOR_API_KEY.")
        try:
            return Refused(str(response.json()["error"]["message"]))
        except (ValueError, LookupError, TypeError):
            return Refused(f"{response.url} answered {response.status_code} {response.reason_phrase}.")

    @contextmanager
    def _connection_errors(self) -> Iterator[None]:
        """Turn errors of the connection into Refused, with a sentence."""
        import httpx

        try:
            yield
        except httpx.ConnectError as error:
            raise Refused(
                f"No server answers at {self.url}: {in_words(error)}. Start one with `govor serve`."
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise Refused(f"The connection to {self.url} failed: {in_words(error)}.") from error


def unreadable(url: str) -> str:
    """Return the message for an event that Govor does not send."""
    return f"{url} sent an event that cannot be read; see that it is a Govor server of this version."


def model_path(name: str, verb: str = "") -> str:
    """Return the path of a model's route: /v1/models/NAME[/VERB]."""
    return f"/v1/models/{quote(name, safe='/')}" + (f"/{verb}" if verb else "")


def server_options(*, default: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add --server and --api-key: the command gets `server` (None if none is named) and `api_key`.

    A group and its subcommands share them: they may stand before or after the subcommand.
    """
    if default is None:
        where = "Ask this running server instead of this machine's disk, e.g. http://127.0.0.1:8000. "
    else:
        where = f"The running server. [default: {default}] "

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        key = click.option("--api-key", metavar="KEY", envvar="GOVOR_API_KEY",
                           callback=_either_place, help="The server's key. [env: GOVOR_API_KEY]")  # fmt: skip
        url = click.option("--server", metavar="URL", envvar="GOVOR_SERVER", default=default,
                           callback=_either_place, help=f"{where}[env: GOVOR_SERVER]")  # fmt: skip
        return url(key(command))

    return decorate


def of_server(command: Callable[..., None]) -> Callable[..., None]:
    """Add --server and --api-key; the command gets a Remote as its first argument."""

    @server_options(default=DEFAULT_SERVER)
    @functools.wraps(command)
    def ask(*, server: str, api_key: str | None, **given: Any) -> None:
        command(Remote(server, api_key), **given)

    return ask


def _either_place(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Return the value after the subcommand, else that of its group, which may come from a variable."""
    name = str(option.name)
    group = context.parent.params if context.parent else {}
    if context.get_parameter_source(name) is ParameterSource.COMMANDLINE or name not in group:
        return value
    return group[name] or value


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
"""Add --json: the command gets `as_json`."""


def show_json(body: object) -> None:
    """Print indented JSON."""
    say_json(json.dumps(body, ensure_ascii=False, indent=2))


def parse_events(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Yield (event, data) of server-sent events with JSON as data."""
    event, data = "message", ""
    for line in lines:
        if not line:
            if data or event != "message":
                yield event, json.loads(data) if data else None
            event, data = "message", ""
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event = value
        elif name == "data":
            data += value
