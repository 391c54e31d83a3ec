"""Commands as processes of their own, which a failpoint may end."""

import os
import subprocess
import sys

from chatfold.archive import Storage
from chatfold.settings import Settings
from tests.support import archiving, servers


def run(settings: Settings, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatfold", *words],
        env=os.environ | servers.environment(settings) | env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def archive(settings: Settings) -> Storage:
    return archiving.index(settings).storage
