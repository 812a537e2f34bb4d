"""Ends the process at once."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn


def exit_now(code: int = 0) -> NoReturn:
    """Exit without waiting for threads: nothing can stop a model that works or loads."""
    sys.stdout.flush()
    logging.shutdown()
    os._exit(code)
