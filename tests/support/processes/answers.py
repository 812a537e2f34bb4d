"""Answers of test servers, compared with what /openapi.json states for their routes.

The servers record what they answer; the comparison follows when the test has ended. Bodies of JSON and errors
are validated; of texts and events only the type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from quart import Quart
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from govor.api.http.errors import CODES, is_flat
from govor.engine.service import Service

try:
    import jsonschema_rs
except ImportError:  # without what only the tests need, bodies are not compared
    jsonschema_rs = None  # type: ignore[assignment]

JSON = "application/json"
ERROR = "#/components/schemas/{}"
ERRORS = {ERROR.format("ErrorBody"), ERROR.format("FlatError")}
"""References to the schemas of errors."""

UNNAMED = {"additionalProperties": False}
"""Of an object whose schema does not say otherwise: a key that it does not name is a fault."""


Formats = tuple[str, ...]
"""The names of the formats that the plugins of a server add; with them, documents differ."""


class Answer(NamedTuple):
    """An answer of a server, as it was sent."""

    method: str
    path: str
    status: int
    media_type: str
    body: bytes
    """Empty if it is not JSON."""


class Recorder:
    """An ASGI application that notes the answers of another one."""

    def __init__(self, app: Any, seen: Callable[[Answer], None]):
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on everything, and note an answer when it has ended."""
        if scope["type"] != "http" or scope["method"] in ("HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        status, media_type, pieces = 0, "", []

        async def noted(message: Any) -> None:
            nonlocal status, media_type
            if message["type"] == "http.response.start":
                headers = {bytes(name).lower(): bytes(value) for name, value in message["headers"]}
                status = message["status"]
                media_type = headers.get(b"content-type", b"").decode().partition(";")[0]
            elif message["type"] == "http.response.body":
                if media_type == JSON:
                    pieces.append(bytes(message.get("body", b"")))
                if not message.get("more_body"):
                    # the outermost layer has corrected the path in the scope
                    self._seen(Answer(scope["method"], scope["path"], status, media_type, b"".join(pieces)))
            await send(message)

        await self._app(scope, receive, noted)


class Statements:
    """The answers that a document states."""

    def __init__(self, document: dict[str, Any], routes: Map):
        self._components = _closed(document["components"])
        self._operations = document["paths"]
        self._routes = routes.bind("localhost")
        self._validators: dict[str, Any] = {}

    def kind(self, answer: Answer) -> tuple[str, int]:
        """Return route and status of an answer; the route is empty if the document has none for it."""
        rule = self._rule(answer)
        path = _documented(rule) if rule else ""
        known = answer.method.lower() in self._operations.get(path, {})
        return f"{answer.method} {path}" if known else "", answer.status

    def fault(self, answer: Answer) -> str:
        """Return in one sentence how an answer differs from the document; empty: it does not."""
        route, status = self.kind(answer)
        if not route:
            error = {"$ref": ERROR.format("FlatError" if is_flat(answer.path) else "ErrorBody")}
            return self._fault_of_body(f"{status} without a route", error, answer) if status >= 400 else ""
        method, _, path = route.partition(" ")
        stated = self._operations[path][method.lower()]["responses"]
        name, code = f"{status} of {route}", _code(answer)
        of_framework = code is not None and code == CODES.get(status)
        known = stated.get("500" if of_framework else str(status))
        if known is None:
            return f"{name} is not in /openapi.json; its code is {code}."
        contents = known["content"]
        if answer.media_type not in contents and (contents or answer.body):
            return f"{name}: /openapi.json has the types {list(contents)}, not {answer.media_type!r}."
        if answer.media_type != JSON:
            return ""
        schema = contents[JSON]["schema"]
        codes = re.findall(r"`(\w+)`: ", known["description"])
        if schema.get("$ref") in ERRORS and not of_framework and code not in codes:
            return f"{name}: /openapi.json has the codes {codes}, not {code}."
        return self._fault_of_body(name, schema, answer)

    def _fault_of_body(self, name: str, schema: dict[str, Any], answer: Answer) -> str:
        if jsonschema_rs is None:
            return ""
        errors = [
            f"{'/'.join(map(str, error.instance_path)) or 'the body'}: {error.message[:300]}"
            for error in self._validator(name, schema).iter_errors(json.loads(answer.body or b"null"))
        ]
        return f"{name} has another body than /openapi.json states: {'; '.join(errors)}." if errors else ""

    def _validator(self, name: str, schema: dict[str, Any]) -> Any:
        key = f"{name} {schema.get('$ref', '')}"
        if key not in self._validators:
            whole = {**_closed(schema), "components": self._components}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole)
        return self._validators[key]

    def _rule(self, answer: Answer) -> Rule | None:
        try:
            return self._routes.match(answer.path, answer.method, return_rule=True)[0]
        except HTTPException:
            return None


class Answers:
    """The answers of this process's servers during one test."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Formats, Answer], None] = {}
        self._apps: dict[Formats, Quart] = {}
        self._statements: dict[Formats, Statements] = {}

    def recorded(self, create_app: Callable[[Service], Quart]) -> Callable[[Service], Quart]:
        """Return a function that makes applications whose answers are recorded."""

        def create(service: Service) -> Quart:
            app, formats = create_app(service), service.formats.added
            self._apps[formats] = app
            app.asgi_app = Recorder(app.asgi_app, partial(self._see, formats))  # type: ignore[method-assign]
            return app

        return create

    def statements(self, formats: Formats) -> Statements:
        """Return what the document of servers with these formats states; all have the same routes."""
        if formats not in self._statements:
            app = self._apps[formats]
            document = app.extensions["QUART_SCHEMA"].openapi_provider.schema()
            self._statements[formats] = Statements(document, app.url_map)
        return self._statements[formats]

    def kinds(self) -> set[tuple[str, int]]:
        """Return the routes and statuses of the answers so far."""
        kinds = {self.statements(formats).kind(answer) for formats, answer in list(self._seen)}
        return kinds - {("", 200), ("", 404)}

    def take_faults(self) -> list[str]:
        """Return how the answers since the last call differ from the document, each difference once."""
        seen, self._seen = self._seen, {}
        faults = (self.statements(formats).fault(answer) for formats, answer in list(seen))
        return list(dict.fromkeys(fault for fault in faults if fault))

    def forget(self) -> None:
        """Drop the answers since the last call without comparing them."""
        self._seen = {}

    def _see(self, formats: Formats, answer: Answer) -> None:
        self._seen[formats, answer] = None


def _closed(schema: Any) -> Any:
    """Return a schema whose objects have no keys but those that they name, if they do not say otherwise."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    is_object = schema.get("type") == "object" and "properties" in schema
    return {**UNNAMED, **closed} if is_object else closed


def _documented(rule: Rule) -> str:
    """Return the path of a rule as the document writes it."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _code(answer: Answer) -> str | None:
    """Return the code of an error in either dialect; None: the body is no error."""
    if answer.media_type != JSON or answer.status < 400:
        return None
    body = json.loads(answer.body)
    code = body["error"].get("code") if isinstance(body.get("error"), dict) else body.get("code")
    return None if code is None else str(code)
