"""One server of the stack: start, stop, kill and look at it."""

import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from chatfold.stack import errors, probes
from chatfold.stack.processes import Account, Daemon

type_of_report = Callable[[str, str], None]
