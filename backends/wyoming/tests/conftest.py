"""Without the plugin its tests are skipped."""

import pytest

pytest.importorskip("govor_wyoming", reason="govor-wyoming is not installed")
