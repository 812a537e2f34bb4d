"""The smallest plugin keeps the whole contract."""

import govor_echo
from govor import Options, RuntimeOptions
from govor.testing import BackendConformance, hum, silence


class TestEcho(BackendConformance):
    plugin = "echo"


def test_the_text_is_the_length_of_the_array():
    recognizer = govor_echo.Echo().load(None, None, RuntimeOptions())
    heard = recognizer.transcribe([hum(1.5), silence(0.25)], Options())
    assert [segment.text for segments in heard for segment in segments] == ["1.5 seconds.", "0.2 seconds."]
