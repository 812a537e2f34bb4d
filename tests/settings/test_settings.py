"""Settings: precedence, syntax, and the messages for wrong ones."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from govor.engine.service import Service
from govor.errors import ConfigurationError
from govor.settings import Settings, load_settings
from govor.testing import FakeBackend, plugins_of
from govor_whisper.settings import read_settings as read_whisper_settings

SECRET = "sk-entirely-secret"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], Path]:
    """Write a configuration file; the current folder is another, without one."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    def write(text: str | bytes) -> Path:
        path = tmp_path / "govor.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def fault(config: Path | None = None, **overrides: Any) -> str:
    """Return the message for wrong settings, in one line."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(config, **overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_any_source_the_defaults_hold(written: Any) -> None:
    settings = load_settings()
    assert settings.model_dump() == Settings().model_dump()
    assert (settings.host, settings.port, settings.default_models) == ("127.0.0.1", 8000, ("whisper-base",))


def test_the_file_wins_over_the_default(written: Any) -> None:
    config = written('port = 1\norder = ["a", "b"]\n[aliases]\nboss = "echo"\n')
    settings = load_settings(config)
    assert (settings.port, settings.order, settings.aliases) == (1, ("a", "b"), {"boss": "echo"})


def test_the_environment_wins_over_the_file(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVOR_PORT", "2")
    monkeypatch.setenv("GOVOR_ORDER", "c, d ,")
    monkeypatch.setenv("GOVOR_ALIASES", json.dumps({"boss": "whisper-base"}))
    settings = load_settings(written('port = 1\norder = ["a"]\n[aliases]\nboss = "echo"\nchief = "echo"\n'))
    assert (settings.port, settings.order) == (2, ("c", "d"))
    assert settings.aliases == {"boss": "whisper-base", "chief": "echo"}


def test_the_command_line_wins_over_the_environment(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVOR_PORT", "2")
    monkeypatch.setenv("GOVOR_ORDER", "c")
    monkeypatch.setenv("GOVOR_OFFLINE", "true")
    settings = load_settings(written("port = 1\n"), port="3", order="e,f", offline=False)
    assert (settings.port, settings.order, settings.offline) == (3, ("e", "f"), False)


def test_an_empty_text_is_an_empty_list(written: Any) -> None:
    assert load_settings(written(""), preload="").preload == ()


def test_a_plugins_table_is_completed_by_the_environment(
    written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVOR_PLUGINS__WHISPER__BEAM_SIZE", "1")
    config = written(
        "[plugins.whisper]\nbeam_size = 5\ncpu_threads = 2\n[plugins.silero]\nweights = 'auto'\n"
    )
    tables = load_settings(config).plugins
    assert tables["silero"] == {"weights": "auto"}
    whisper = read_whisper_settings(tables["whisper"])
    assert (whisper.beam_size, whisper.cpu_threads) == (1, 2)


def test_a_plugin_gets_its_own_table(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVOR_PLUGINS__FAMILY__BEAM_SIZE", "1")
    family, other = FakeBackend(), FakeBackend("other")
    settings = load_settings(written("[plugins.family]\nthreads = 2\n"))
    plugins_of(settings, family=family, other=other)
    assert (family.settings, other.settings) == ({"threads": 2, "beam_size": "1"}, {})


def test_the_file_of_the_current_folder_is_read(written: Any, tmp_path: Path) -> None:
    (tmp_path / "elsewhere/plugins.toml").write_text("port = 4\n")
    assert load_settings().port == 4


def test_the_file_that_the_environment_names_is_read(
    written: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere/plugins.toml").write_text("port = 4\n")
    monkeypatch.setenv("GOVOR_CONFIG", str(written("port = 5\n")))
    assert load_settings().port == 5


def test_the_file_that_is_named_wins_over_the_environments(
    written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVOR_CONFIG", "absent.toml")
    assert load_settings(written("port = 6\n")).port == 6


def test_a_tilde_is_the_home_folder(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert load_settings(written("models_dir = '~/models'\n")).models_dir == Path("/home/somebody/models")


def test_the_error_without_a_home_says_which_folders_to_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(ConfigurationError, match="Set GOVOR_MODELS_DIR and GOVOR_DATA_DIR, or HOME"):
        Settings()
    assert Settings(models_dir=tmp_path, data_dir=tmp_path).models_dir == tmp_path


def test_models_lie_in_the_cache_folder_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache")
    assert Settings().models_dir == Path("/var/cache/govor/models")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("frobnicate = 1", "there is no setting 'frobnicate'"),
        ("api_key = 'a'", "there is no setting 'api_key'; did you mean 'api_keys'?"),
        ("[whisper]\nbeam_size = 1", "there is no table [whisper]; the plugin's is [plugins.whisper]"),
        (
            "[server]\nport = 9000",
            "there is no table [server]; 'port' is a setting of the server, and stands at the top",
        ),
        ("[plugin.whisper]\nbeam_size = 1", "there is no table [plugin]; did you mean 'plugins'?"),
        ("port = 'abc'", "port: must be a whole number"),
        ("port = 70000", "port: must be 65535 or less"),
        ("port = -1", "port: must be 0 or more"),
        ("order = 5", "order: must be a list"),
        ("order = [5]", "order.0: must be text"),
        ("plugins = 5", "plugins: must be a table"),
        ("[plugins]\nwhisper = 5", "plugins.whisper: must be a table"),
        ("[aliases]\nboss = 5", "aliases.boss: must be text"),
        ("offline = 'maybe'", "offline: must be true or false"),
        ("max_upload_mb = 0", "max_upload_mb: must be more than 0"),
        ("max_upload_mb = inf", "max_upload_mb: must be a finite number"),
        ("log_level = 'loud'", "log_level: must be 'debug', 'info', 'warning' or 'error'"),
        ("spool_dir = '/no/such/folder'", "spool_dir: is no folder"),
        (
            "memory_budget = 'much'",
            "memory_budget: must be a number of bytes, as in 2000000000, 2GB or 1500MiB",
        ),
        ("device = 'gpu'", "device: must be auto, cpu, cuda, cuda:1 or another number, mps"),
        ("[models.x]\ndevice = 'gpu'", "models.x.device: must be auto, cpu,"),
        ("[models.x]\nthread = 1", "there is no key 'models.x.thread'; did you mean 'threads'?"),
        ("[compat]\nlanguages = 1", "there is no key 'compat.languages'; did you mean 'language'?"),
    ],
)
def test_a_wrong_setting_of_the_file_is_named(written: Any, text: str, complaint: str) -> None:
    config = written(text)
    assert fault(config).startswith(f"{config}: {complaint}")


def test_an_error_in_a_file_that_was_found_names_its_folder(written: Any, tmp_path: Path) -> None:
    (tmp_path / "elsewhere/plugins.toml").write_text("\n".join(f"strange_{n} = 1" for n in range(9)))
    message = fault()
    folder = tmp_path / "elsewhere"
    assert message.startswith(f"plugins.toml (read because it lies in the current folder, {folder}; --config")
    assert message.count("there is no setting") == 5
    assert message.endswith("; and 4 more")


def test_every_wrong_setting_is_named(written: Any) -> None:
    message = fault(written("port = 'abc'\noffline = 'maybe'\n"))
    assert "port: " in message
    assert "offline: " in message


@pytest.mark.parametrize("text", ["port = ", "[plugins", b"\xff\xfe", "port = 1\nport = 2"])
def test_a_file_that_is_no_toml_is_an_error(written: Any, text: str | bytes) -> None:
    config = written(text)
    assert fault(config).startswith(f"{config} is not valid TOML: ")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert fault(tmp_path / "absent.toml") == f"There is no file {tmp_path / 'absent.toml'}."


def test_a_wrong_variable_is_named(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVOR_PORT", "tcp://10.0.0.1:8000")  # what Kubernetes sets for a service called govor
    assert fault(written("port = 1\n")).startswith("GOVOR_PORT: must be a whole number")


@pytest.mark.parametrize("name", ["GOVOR_ALIASES", "GOVOR_PLUGINS"])
def test_a_table_in_the_environment_that_is_no_json_is_an_error(
    written: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "boss=echo")
    message = fault()
    assert name.removeprefix("GOVOR_").lower() in message
    assert "is JSON" in message


def test_a_wrong_option_is_named(written: Any) -> None:
    assert fault(None, max_upload_mb="many").startswith("--max-upload-mb: must be a number")


def test_a_misspelt_variable_is_warned_of(
    written: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("GOVOR_PROT", "GOVOR_API_KEY", "GOVOR_PLUGINS__WHISPER__BEAM_SIZE"):
        monkeypatch.setenv(name, "1")
    with caplog.at_level(logging.WARNING):
        load_settings()
    assert caplog.messages == ["The environment variable GOVOR_PROT is no setting; did you mean 'port'?"]


@pytest.mark.parametrize("text", [f"api_keys = [['{SECRET}']]", f"api_keys = {{a = ['{SECRET}']}}"])
def test_a_wrong_key_is_not_repeated(written: Any, text: str) -> None:
    message = fault(written(text))
    assert "api_keys" in message
    assert SECRET not in message


def test_keys_of_the_environment_are_not_repeated_when_others_are_wrong(
    written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVOR_API_KEYS", SECRET)
    assert SECRET not in fault(None, port="abc")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1


def test_a_required_plugin_that_is_absent_keeps_the_service_from_starting() -> None:
    with pytest.raises(ConfigurationError, match="Plugin 'gigaam' is required but not ready: not installed"):
        Service(Settings(require=("gigaam",)))
