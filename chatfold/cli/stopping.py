"""How a long command is stopped: by SIGTERM or Ctrl-C, after what is in flight."""

import asyncio
import signal
import threading
from typing import Final

STOPPED: Final = 1
"""The exit code of a command that was stopped before its end; run again, it goes on."""


def stop_on_signals() -> asyncio.Event:
    """An event that they set from now on; only the main thread of a program hears them."""
    stop = asyncio.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
