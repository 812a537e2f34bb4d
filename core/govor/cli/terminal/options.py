"""Settings as command-line options, made from their definitions in govor.settings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from govor.observe.log_format import JsonFormatter, LineFormatter
from govor.settings import Settings, load_settings
from govor.settings.values import Names

GROUPS = {
    "Addresses": ("host", "port", "bind", "http2", "trusted_proxies", "idle_timeout"),
    "Choice of models": ("models", "default_model", "default_models", "preload", "device", "force_cpu",
                            "cores", "ttl", "memory_budget"),
    "Recordings": ("languages", "channels", "channel_names"),
    "Files of models": ("models_dir", "download", "auto_pull", "download_timeout", "offline"),
    "Access": ("api_key", "api_keys", "api_keys_file", "admin_key", "allowed_hosts", "allow_origins"),
    "Limits": (
        "max_upload_mb", "max_audio_seconds", "max_queue", "max_queue_seconds", "max_wait_seconds",
        "max_requests_per_client", "rate_limit_per_key", "rate_limit_per_ip", "rate_limit_burst",
        "body_timeout", "body_min_rate", "send_timeout", "keep_alive_seconds", "drain_seconds", "spool_dir",
        "strict"),
    "Jobs, URLs and webhooks": (
        "data_dir", "jobs_parallel", "jobs_limit", "jobs_keep_hours", "jobs_max_mb", "file_urls",
        "webhook_urls", "webhook_secret"),
    "Metrics and logs": ("metrics", "metrics_bind", "metrics_gigastt", "access_log", "log_json", "log_level"),
    "Plugins": ("order", "disable", "require"),
}  # fmt: skip
"""The groups of options in the help of `serve`, by the names of their parameters."""

TABLES = frozenset({"aliases", "catalogue", "compat", "models", "plugins", "routing", "subtitles"})
"""Settings that are tables: they have no option, only plugins.toml and the environment."""

BARE = "bare"
"""Value of `--download` without a value: fetch missing models, as in open-stt-server."""


def setting_options(names: Iterable[str] | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add an option for each named setting; None: for all settings that are no tables."""
    chosen = [name for name in (names or Settings.model_fields) if name not in TABLES]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(chosen):
            command = _option(name, Settings.model_fields[name])(command)
        return command

    return decorate


class Grouped(click.Command):
    """A command whose help lists its options in groups; options without a group come last."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        records = {
            option.name: record
            for option in self.get_params(context)
            if (record := option.get_help_record(context)) is not None
        }
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([records.pop(name) for name in names if name in records])
        with formatter.section("Further options"):
            formatter.write_dl(list(records.values()))


def read_settings(config: Path | None, options: dict[str, Any]) -> Settings:
    """Return the settings, overridden by options of the command line. Raises ConfigurationError."""
    given = {name: value for name, value in options.items() if value is not None}
    return load_settings(config, **given)


def show_log(level: str, *, as_json: bool = False) -> None:
    """Send the log to stderr; a second call changes the level or the format."""
    if not logging.getLogger().handlers:
        to_stderr = logging.StreamHandler()
        to_stderr.setFormatter(LineFormatter())
        logging.getLogger().addHandler(to_stderr)
    logging.getLogger().setLevel(level.upper())
    if as_json:
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonFormatter())
    for noisy in ("httpx", "httpcore", "faster_whisper", "filelock", "hypercorn.access", "hypercorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _option(name: str, field: FieldInfo) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    flag = name.replace("_", "-")
    text = f"{field.description} [env: GOVOR_{name.upper()}; default: {default_text(field)}]"
    if field.annotation is bool:
        return click.option(f"--{flag}/--no-{flag}", name, default=None, help=text)
    if field.annotation == get_args(Names)[0]:
        return click.option(
            f"--{flag}", name, multiple=True, callback=_join, metavar=_metavar(name, field), help=text
        )
    bare: dict[str, Any] = {"is_flag": False, "flag_value": BARE} if name == "download" else {}
    return click.option(f"--{flag}", name, default=None, metavar=_metavar(name, field), help=text, **bare)


def _join(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> str | None:
    """Join the values of a repeated flag with commas; None: the flag is absent."""
    return ",".join(given) if given else None


def default_text(field: FieldInfo) -> str:
    """Return the default of a setting as the configuration has it."""
    default = (
        field.default
        if field.default is not PydanticUndefined
        else field.get_default(call_default_factory=True)
    )
    if isinstance(default, Path):
        home = str(Path.home())
        return str(default).replace(home, "~", 1)
    if isinstance(default, tuple):
        return ",".join(default) or "none"
    if isinstance(default, bool):
        return "on" if default else "off"
    return "none" if default in (None, "") else str(default)


def _words(kind: Any) -> tuple[str, ...]:
    """Return the values of a choice; empty if the type is no choice."""
    return get_args(kind) if get_origin(kind) is Literal else ()


def _metavar(name: str, field: FieldInfo) -> str:
    if name.endswith("_file"):
        return "FILE"
    if words := _words(field.annotation):
        return f"[{'|'.join(words)}]"
    kind = str(field.annotation)
    for sign, metavar in (("int", "N"), ("float", "N"), ("tuple", "A,B"), ("Path", "FOLDER")):
        if sign in kind:
            return metavar
    return "TEXT"
