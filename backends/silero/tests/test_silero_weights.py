"""The choice of the weights' file. The installed distributions are folders made for the test."""

import hashlib
import sys
from pathlib import Path

import pytest

import govor
from govor_silero.weights import SOURCES, Source, find_weights, read_weights


@pytest.fixture
def site(tmp_path, monkeypatch):
    """The only folder in which distributions are searched."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def install(site, name, *, with_weights=True):
    """Write the files that pip leaves behind into that folder."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    path = site / SOURCES[name].path
    if with_weights:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"weights")
    return path


def test_weights_of_faster_whisper_come_first(site):
    install(site, "silero-vad")
    path = install(site, "faster-whisper")
    assert find_weights("auto") == path


def test_weights_of_silero_vad_come_second(site):
    path = install(site, "silero-vad")
    assert find_weights("auto") == path


def test_a_distribution_without_the_file_is_skipped(site):
    install(site, "faster-whisper", with_weights=False)
    path = install(site, "silero-vad")
    assert find_weights("auto") == path


def test_a_distribution_can_be_chosen(site):
    install(site, "faster-whisper")
    path = install(site, "silero-vad")
    assert find_weights("silero-vad") == path


def test_a_distribution_that_was_chosen_is_not_replaced_by_the_other(site):
    install(site, "faster-whisper")
    with pytest.raises(govor.LoadFailed, match="silero-vad"):
        find_weights("silero-vad")


@pytest.mark.usefixtures("site")
def test_if_nothing_is_installed_the_error_says_what_to_install():
    with pytest.raises(govor.LoadFailed, match="pip install faster-whisper"):
        find_weights("auto")


def test_a_path_is_taken_as_it_is(tmp_path):
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"weights")
    assert find_weights(str(path)) == path


def test_a_path_that_leads_nowhere_is_an_error():
    with pytest.raises(govor.LoadFailed, match=r"gone\.onnx"):
        find_weights(str(Path("nowhere") / "gone.onnx"))


def test_an_unknown_checksum_is_read_with_a_warning(tmp_path, caplog):
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"weights")
    assert read_weights(path) == b"weights"
    assert hashlib.sha256(b"weights").hexdigest() in caplog.text


def test_a_known_checksum_is_read_without_a_word(tmp_path, caplog, monkeypatch):
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"weights")
    known = Source("mine.onnx", hashlib.sha256(b"weights").hexdigest(), version="1.0")
    monkeypatch.setitem(SOURCES, "mine", known)
    assert read_weights(path) == b"weights"
    assert caplog.text == ""


@pytest.mark.parametrize("name", SOURCES)
def test_weights_of_the_installed_distribution_are_those_expected(name, caplog):
    try:
        path = find_weights(name)
    except govor.LoadFailed:
        pytest.skip(f"{name} is not installed")
    read_weights(path)
    assert caplog.text == ""
