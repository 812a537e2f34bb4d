"""Every setting, once: command line > GOVOR_* environment > plugins.toml > default.

The descriptions here are the texts of `govor serve --help` and docs/reference/configuration.md.
"""

from __future__ import annotations

import logging
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, DirectoryPath, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from govor.config_file import config_file, is_named
from govor.errors import ConfigurationError
from govor.errors.values import did_you_mean
from govor.settings.catalogue import OwnModel
from govor.settings.compat import Compat
from govor.settings.mistakes import explain
from govor.settings.model import Bytes, Device, ModelSettings
from govor.settings.operations import OperationsSettings
from govor.settings.subtitles import Subtitles
from govor.settings.values import (
    NOT_SETTINGS,
    OPENAI_MODELS,
    DistinctNames,
    Folder,
    Names,
    UrlPolicy,
    WebhookSecret,
    cache_folder,
    data_folder,
    expand,
)

log = logging.getLogger(__name__)


class Settings(OperationsSettings):
    """All settings of the operator. Read-only once made."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="GOVOR_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    host: str = Field(
        "127.0.0.1", description="Address to listen on. Others than loopback reach the network."
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    bind: Names = Field((), description="Where to listen instead of host and port: HOST:PORT, or a port.")
    models_dir: Folder = Field(
        default_factory=lambda: cache_folder() / "models", description="Folder of installed models."
    )
    spool_dir: Annotated[DirectoryPath | None, BeforeValidator(expand)] = Field(
        None,
        description="Folder of uploads while they are worked on. Default: the system's folder.",
    )
    default_models: Names = Field(
        ("whisper-base",),
        description="Preference list of models for requests that name none: the first usable one answers.",
    )
    aliases: dict[str, str] = Field(
        default_factory=lambda: dict.fromkeys(OPENAI_MODELS, "default"),
        description='Other names for models; the target "default" means the preference list.',
    )
    preload: Names = Field(
        ("default",),
        description='Models loaded at start, in the background; "default" is the preference list.',
    )
    device: Device = Field("auto", description="Where models run: auto, cpu, cuda, cuda:1, mps.")
    cores: int = Field(
        0,
        ge=0,
        description="CPU cores that all models together use; 0: all that the process may use.",
    )
    ttl: float = Field(
        -1,
        ge=-1,
        allow_inf_nan=False,
        description="Seconds that an unused model stays in memory; -1: until the server stops, "
        "0: not at all.",
    )
    memory_budget: Bytes = Field(
        0,
        ge=0,
        description="Most memory that loaded models may take together, as in 2GB or 1500MiB; the least "
        "recently used are unloaded. 0: no limit.",
    )
    models: dict[str, ModelSettings] = Field(
        default_factory=dict,
        description="One table per model: device, precision, threads, workers, ttl, pin, preload.",
    )
    routing: dict[str, Names] = Field(
        default_factory=dict,
        description='Models behind the name "auto": one preference list per language code, and "default".',
    )
    languages: Names = Field(
        (),
        description="Likely languages, as in ru, en, of requests that name none: models that detect "
        "the language choose among these. Empty: any.",
    )
    order: Names = Field((), description="Plugins that come first, in this order; the rest follow by name.")
    disable: Names = Field((), description="Plugins that are not loaded.")
    require: Names = Field((), description="Plugins without which the server does not start.")
    plugins: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="One table per plugin, passed to it as it is."
    )
    catalogue: tuple[OwnModel, ...] = Field((), description="Models of your own, one table each.")
    download: Literal["off", "catalogue", "any"] = Field(
        "catalogue",
        description="Which models may be fetched: off (none), catalogue (those that plugins or plugins.toml "
        "declare), any (every repository of the hub too).",
    )
    auto_pull: bool = Field(
        False, description="Fetch a model that is not installed when a request first names it."
    )
    download_timeout: float = Field(
        30,
        gt=0,
        allow_inf_nan=False,
        description="Seconds without a byte after which a download is resumed, and after some attempts "
        "given up.",
    )
    offline: bool = Field(False, description="Make no network call: models come from disk and packages only.")
    max_upload_mb: float = Field(
        200,
        gt=0,
        allow_inf_nan=False,
        description="Largest request body, in MB (10^6 bytes); more is refused with 413.",
    )
    max_audio_seconds: float = Field(
        36_000,
        ge=0,
        allow_inf_nan=False,
        description="Longest recording, in seconds; more is refused with 400. 0: no limit.",
    )
    max_queue: int = Field(
        32,
        ge=0,
        description="Most transcriptions at once, waiting and under way; more are refused with 503. "
        "0: no limit.",
    )
    max_queue_seconds: float = Field(
        0,
        ge=0,
        allow_inf_nan=False,
        description="Most seconds of audio at once, as far as the files state their length and are big "
        "enough for it; more is refused with 503. 0: no limit.",
    )
    max_wait_seconds: float = Field(
        300,
        ge=0,
        allow_inf_nan=False,
        description="Longest wait of a request for its first piece of work, not counting the loading of "
        "the model; then 503. 0: no limit.",
    )
    max_requests_per_client: int = Field(
        0,
        ge=0,
        description="Most transcriptions of one key, or of one address where no key is asked, at once; more "
        "are refused with 429. 0: no limit.",
    )
    keep_alive_seconds: float = Field(
        15,
        gt=0,
        allow_inf_nan=False,
        description="Silence after which a stream sends a comment, so that proxies keep it open.",
    )
    channels: Literal["mixed", "separate"] = Field(
        "mixed",
        description="How a recording's channels are transcribed if a client does not say: mixed, or "
        "separate, one speaker per channel.",
    )
    channel_names: DistinctNames = Field(
        (), description="Names of separate channels, in their order, as in Agent,Customer."
    )
    strict: bool = Field(
        False,
        description="Refuse options that a model cannot honour with 400, instead of naming them in the "
        "header x-govor-ignored; refuse unknown form fields too.",
    )
    data_dir: Folder = Field(
        default_factory=data_folder, description="Folder of jobs: their recordings and results."
    )
    jobs_parallel: int = Field(1, ge=1, description="How many jobs are worked on at once; the others wait.")
    jobs_limit: int = Field(
        1000, ge=0, description="How many jobs may wait or run; more are refused with 503. 0: no jobs at all."
    )
    jobs_keep_hours: float = Field(
        168, gt=0, allow_inf_nan=False, description="Hours after which a finished job is deleted."
    )
    jobs_max_mb: float = Field(
        20_000,
        gt=0,
        allow_inf_nan=False,
        description="Disk space for jobs, in MB: the client that takes most loses its oldest finished ones; "
        "then new ones are refused with 507.",
    )
    file_urls: UrlPolicy = Field(
        "off",
        description="Where `file_url` may lead: off, public (addresses of the public internet), any.",
    )
    webhook_urls: UrlPolicy = Field(
        "public",
        description="Where `webhook_url` may lead: off, public (addresses of the public internet), any.",
    )
    webhook_secret: WebhookSecret = Field(
        "", description="Signs webhooks: whsec_ and 24 to 64 bytes in base64. Empty: there are no webhooks."
    )
    subtitles: Subtitles = Field(Subtitles(), description="A table: how long lines and cues may be.")
    compat: Compat = Field(Compat(), description="A table: answers as clients of other servers expect them.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Rank the sources: no .env file, no secrets folder."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(config: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings; `overrides` (the command line) win. Raises ConfigurationError."""
    path = config_file(config)

    class FromFile(Settings):
        model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(toml_file=path)

    _warn_of_unknown_names()
    try:
        return FromFile(**overrides)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except SettingsError as error:
        example = """GOVOR_ALIASES='{"boss": "echo"}'"""
        raise ConfigurationError(f"{error}: a table in the environment is JSON, as in {example}") from error
    except ValidationError as error:
        fields, is_found = Settings.model_fields, not is_named(config)
        raise ConfigurationError(explain(error, fields, overrides, path, is_found=is_found)) from error


def _warn_of_unknown_names() -> None:
    """Warn of a GOVOR_ variable that resembles a setting but is none: it may be misspelt."""
    for name in sorted(set(os.environ) - NOT_SETTINGS):
        prefix, _, setting = name.upper().partition("_")
        wanted = setting.partition("__")[0].lower()
        if prefix == "GOVOR" and wanted not in Settings.model_fields:
            meant = did_you_mean(wanted, Settings.model_fields)
            log.warning("The environment variable %s is no setting%s", name, meant)
