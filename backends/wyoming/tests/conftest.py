"""Skip the plugin's tests if it is not installed."""

import pytest

pytest.importorskip("govor_wyoming", reason="govor-wyoming is not installed")
