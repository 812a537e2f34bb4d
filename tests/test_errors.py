"""Messages that a person can act on."""

from __future__ import annotations

from govor.errors import ModelNotFound

KNOWN = [f"model-{number}" for number in range(60)]


def test_a_name_that_is_nearly_right_is_suggested() -> None:
    message = str(ModelNotFound("whisper-bse", ["echo", "whisper-base"]))
    assert message == (
        "The model 'whisper-bse' does not exist. Did you mean 'whisper-base'? Available: echo, whisper-base."
    )


def test_a_long_list_and_a_long_name_are_cut() -> None:
    message = str(ModelNotFound("x" * 5000, KNOWN))
    assert message.endswith("model-18, model-19 and 40 more.")
    assert len(message) < 500


def test_without_models_there_is_nothing_to_suggest() -> None:
    message = str(ModelNotFound("x", [], "is not in memory"))
    assert message == "The model 'x' is not in memory. Available: none."


def test_an_install_without_any_backend_says_how_to_add_one() -> None:
    message = str(ModelNotFound("whisper-base", []))
    assert message.startswith("The model 'whisper-base' does not exist. Available: none. No plugin that has")
    assert "`govor plugins`" in message
    assert "`pip install ./backends/whisper ./backends/silero`" in message
