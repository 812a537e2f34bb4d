"""Find plugins, in order and isolated from each other: a failure is recorded and does not stop the server.

Knows nothing of models beyond asking a backend for its list.
"""

from __future__ import annotations

import logging
import sys
from asyncio import CancelledError
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, redirect_stdout
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

import click
import pluggy
from pydantic import ValidationError

from govor.contract import hooks as hookspecs
from govor.contract.backends import Backend, ModelFamily
from govor.contract.models import ModelKind, ModelSpec
from govor.contract.server import Transcriber
from govor.contract.texts.formats import ResponseFormat, checked_formats
from govor.contract.versions import check_contract, check_failed_import
from govor.contract.workers import Executor
from govor.errors import ConfigurationError
from govor.errors.values import did_you_mean
from govor.plugins.declared import checked_executor, declared_models, named_commands
from govor.plugins.old_shapes import family_of
from govor.plugins.tables import faults_of, own_table
from govor.settings import Settings

GROUP = "govor"

KINDS = {"diarizer": ModelKind.DIARIZATION, "vad": ModelKind.VAD, "text": ModelKind.TEXT}
"""Hooks that return families of models, with the kind of the models; `backend` has a place of its own."""

OURS = (KeyboardInterrupt, CancelledError)
"""Errors that end the work of Govor itself. All else that a plugin raises is its own fault, even if it is no
Exception, as a panic of Rust."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Plugin:
    """One entry point of the group `govor`, with its state."""

    name: str
    distribution: str
    version: str
    state: Literal["ready", "failed", "disabled"] = "ready"
    reason: str = ""
    """The reason if it, or one of its hooks, failed; empty otherwise."""
    hooks: tuple[str, ...] = ()
    backend: Backend | None = None
    models: tuple[ModelSpec, ...] = field(default=(), repr=False)
    """The models of `backend`."""
    others: tuple[tuple[ModelSpec, ModelFamily[object]], ...] = field(default=(), repr=False)
    """The models of other kinds, each with its family."""
    executor: Executor | None = None
    formats: tuple[ResponseFormat, ...] = field(default=(), repr=False)


class Plugins:
    """All installed plugins, in the order of plugins.toml, then by name."""

    def __init__(self, settings: Settings, found: Iterable[EntryPoint] | None = None):
        """Import every plugin and call its hooks. Raises ConfigurationError if a required one fails."""
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._settings = settings
        self._running: list[tuple[Plugin, AbstractAsyncContextManager[object]]] = []
        points = entry_points(group=GROUP) if found is None else found
        self._all: list[Plugin] = []
        with redirect_stdout(sys.stderr):  # a plugin may print; standard output is for what was asked for
            for point in _ordered(points, settings.order):
                self._all.append(self._open(point, settings.disable))
        self._check_required(settings.require)
        self._warn_of_unknown_names({*settings.order, *settings.disable, *settings.plugins})

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._all)

    def executors(self) -> dict[str, Executor]:
        """Return the executors by scheme; if two plugins claim one, the first has it."""
        found: dict[str, tuple[str, Executor]] = {}
        for plugin in self._all:
            if plugin.executor is None:
                continue
            for scheme in plugin.executor.schemes:
                first, _ = found.setdefault(scheme, (plugin.name, plugin.executor))
                if first != plugin.name:
                    log.warning("Devices '%s:…' are run by '%s', not by '%s'", scheme, first, plugin.name)
        return {scheme: executor for scheme, (_, executor) in found.items()}

    def commands(self, taken: Collection[str]) -> dict[str, click.Command]:
        """Return the plugins' commands by name, except `taken` names; the first plugin keeps a name."""
        found: dict[str, click.Command] = {}
        for plugin in self._all:
            if plugin.state != "ready" or "commands" not in plugin.hooks:
                continue
            try:
                offered = named_commands(self._call("commands", plugin.name))
            except OURS:
                raise
            except BaseException as error:  # noqa: BLE001 - it may raise anything
                _fail(plugin, error)
                continue
            for name, command in offered.items():
                if name in taken or name in found:
                    log.warning(
                        "Plugin '%s' has a command '%s', whose name is taken: it is left out",
                        plugin.name,
                        name,
                    )
                else:
                    found[name] = command
        return found

    def formats(self) -> Iterator[tuple[str, ResponseFormat]]:
        """Yield the formats of all plugins, each with its plugin's name."""
        for plugin in self._all:
            yield from ((plugin.name, own) for own in plugin.formats)

    async def start(self, transcriber: Transcriber) -> None:
        """Enter the `startup` contexts of the plugins; one that fails is recorded."""
        for plugin in self._all:
            if plugin.state != "ready" or "startup" not in plugin.hooks:
                continue
            try:
                context = self._call("startup", plugin.name, transcriber=transcriber)
                await context.__aenter__()
            except OURS:
                raise
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; it is recorded
                _fail(plugin, error)
            else:
                self._running.append((plugin, context))

    async def stop(self) -> None:
        """Exit the contexts that `start` entered, the last first."""
        while self._running:
            plugin, context = self._running.pop()
            try:
                await context.__aexit__(None, None, None)
            except OURS:
                raise
            except BaseException as error:  # noqa: BLE001 - as above
                _fail(plugin, error)

    def _open(self, point: EntryPoint, disabled: Sequence[str]) -> Plugin:
        """Import one plugin and ask for its backend; never raises."""
        dist = point.dist
        plugin = Plugin(point.name, dist.name if dist else "", dist.version if dist else "")
        if point.name in disabled:
            plugin.state = "disabled"
            return plugin
        try:
            module = _imported(point)
            check_contract(module)
            self._register(plugin, module)
            if "backend" in plugin.hooks:
                backend = self._call("backend", plugin.name)
                plugin.models = declared_models(backend, "backend", ModelKind.TRANSCRIPTION)
                plugin.backend = backend
            for hook, kind in KINDS.items():
                if hook in plugin.hooks:
                    family = family_of(self._call(hook, plugin.name), kind, plugin.name)
                    plugin.others += tuple((spec, family) for spec in declared_models(family, hook, kind))
            if "executor" in plugin.hooks:
                plugin.executor = checked_executor(self._call("executor", plugin.name))
            if "formats" in plugin.hooks:
                plugin.formats = checked_formats(self._call("formats", plugin.name))
        except OURS:
            raise
        except BaseException as error:  # noqa: BLE001 - it may raise anything
            _fail(plugin, error)
        return plugin

    def _register(self, plugin: Plugin, module: object) -> None:
        self._check_is_new(plugin.name, module)
        hash(module)  # pluggy keeps plugins in sets: an unhashable one would break every other plugin's calls
        self._manager.register(module, name=plugin.name)
        try:
            self._manager.check_pending()  # a misspelt hook is an error, not silence
        except pluggy.PluginValidationError:
            self._manager.unregister(module)
            raise
        callers = self._manager.get_hookcallers(module) or []
        plugin.hooks = tuple(sorted(caller.name for caller in callers))
        if not plugin.hooks:
            raise ValueError("it implements no hook; is @govor.hookimpl missing?")

    def _check_is_new(self, name: str, module: object) -> None:
        """Raise ValueError if another plugin has this name or this module."""
        if self._manager.has_plugin(name):
            first = next(each.distribution for each in self._all if each.name == name)
            raise ValueError(f"the package '{first}' has a plugin of this name, which is used: uninstall one")
        twins = [key for key, own in self._manager.list_name_plugin() if own is module]
        if twins:
            raise ValueError(f"its module is that of the plugin '{twins[0]}', which is used")

    def _call(self, hook: str, name: str, **arguments: object) -> Any:
        """Call one hook of one plugin with the plugin's own table of settings."""
        others = [other for key, other in self._manager.list_name_plugin() if key != name]
        caller = self._manager.subset_hook_caller(hook, others)
        try:
            results = caller(settings=own_table(self._settings, name), **arguments)
        except ValidationError as error:
            module = self._manager.get_plugin(name)
            told = faults_of(error, getattr(module, "__name__", type(module).__module__))
            raise ValueError(f"[plugins.{name}] {told}") from error
        if not results:
            raise ValueError(f"hook '{hook}' returned None")
        return results[0]

    def _warn_of_unknown_names(self, named: Iterable[str]) -> None:
        """Warn of a plugin name that is not installed: it may be misspelt. An unused name does no harm."""
        known = {
            spelling for plugin in self._all for spelling in (plugin.name, plugin.name.replace("-", "_"))
        }
        for name in sorted(set(named) - known):
            meant = did_you_mean(name, (plugin.name for plugin in self._all))
            log.warning("The configuration names a plugin '%s', which is not installed%s", name, meant)

    def _check_required(self, required: Sequence[str]) -> None:
        ready = {plugin.name: plugin for plugin in self._all if plugin.state == "ready"}
        for name in required:
            if name in ready:
                continue
            plugin = next((plugin for plugin in self._all if plugin.name == name), None)
            why = (plugin.reason or plugin.state) if plugin else "not installed"
            raise ConfigurationError(f"Plugin '{name}' is required but not ready: {why}")


def _ordered(points: Iterable[EntryPoint], order: Sequence[str]) -> list[EntryPoint]:
    rank = {name: position for position, name in enumerate(order)}
    return sorted(points, key=lambda point: (rank.get(point.name, len(rank)), point.name))


def _imported(point: EntryPoint) -> object:
    """Return the module of a plugin. Raises what it raises, or ValueError if it needs another contract."""
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        check_failed_import(error)
        raise


def _fail(plugin: Plugin, error: BaseException) -> None:
    """Record the error; a plugin whose models are in use stays ready, without its other hook."""
    plugin.reason = f"{type(error).__name__}: {error}"
    if plugin.backend is None:
        plugin.state = "failed"
    log.warning("Plugin '%s' failed: %s", plugin.name, plugin.reason)
