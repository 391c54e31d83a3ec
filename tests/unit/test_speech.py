"""Recordings understood here: what is missing is said at the start, what is broken is told."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from chatfold import speech
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from schemas.content import Usage
from schemas.job_failures import JobFailureCode
from streams.ports import ModelFailure, Said, Understood

USAGE = Usage(model="theirs", seconds=1.0)


class Theirs:
    """A tenant's service."""

    async def transcribe(self, tenant, sound, file_name, mime) -> Understood | ModelFailure:
        raise AssertionError("recordings are understood here")

    async def see(self, tenant: str, pictures: Sequence[bytes], instruction: str) -> Understood:
        return Understood(f"{tenant} sees", USAGE)

    async def chat(self, tenant, messages, *, max_tokens, temperature=None, model=None):
        return Understood(f"{tenant} says", USAGE)


class Whisper:
    """Hears what the bytes say."""

    def __init__(self, folder: str, *, local_files_only: bool) -> None:
        assert local_files_only
        if "spoilt" in folder:
            raise RuntimeError("Unable to open file 'model.bin'")

    def transcribe(self, audio, *, beam_size: int, vad_filter: bool):
        words = audio.read().decode()
        parts = [SimpleNamespace(text=f" {word}") for word in words.split()]
        return iter(parts), SimpleNamespace(language="de")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra, as if it were installed."""
    module = ModuleType("faster_whisper")
    module.WhisperModel = Whisper  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faster_whisper", module)


def model(tmp_path: Path, name: str = "small") -> Path:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"model")
    return folder


def test_a_folder_without_a_model_is_refused(tmp_path: Path, library: None) -> None:
    with pytest.raises(Refusal, match=r"CHATFOLD_SPEECH_MODEL: .* holds no model\.bin"):
        speech.opened(Theirs(), tmp_path)
    with pytest.raises(Refusal, match="holds no"):
        speech.opened(Theirs(), tmp_path / "nowhere")


def test_without_the_extra_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(Refusal, match=r"pip install 'chatfold\[speech\]'"):
        speech.opened(Theirs(), model(tmp_path))


def test_a_model_that_cannot_be_loaded_is_refused(tmp_path: Path, library: None) -> None:
    with pytest.raises(Refusal, match="cannot be loaded: Unable to open"):
        speech.opened(Theirs(), model(tmp_path, "spoilt"))


async def test_recordings_are_understood_here_and_the_rest_by_the_tenants(
    tmp_path: Path, library: None
) -> None:
    local = speech.opened(Theirs(), model(tmp_path))
    heard = await local.transcribe("acme", b"guten Tag", "recording.ogg", "audio/ogg")
    assert isinstance(heard, Understood)
    assert (heard.text, heard.language) == ("guten Tag", "de")
    assert (heard.usage.model, heard.usage.cost_micros) == ("local/small", 0)
    assert await local.see("acme", [b""], "look") == Understood("acme sees", USAGE)
    said = await local.chat("acme", [Said("user", "hi")], max_tokens=1)
    assert said == Understood("acme says", USAGE)


async def test_what_is_no_sound_is_unreadable(tmp_path: Path, library: None) -> None:
    local = speech.opened(Theirs(), model(tmp_path))
    told = await local.transcribe("acme", b"\xff\xfe", "recording.ogg", "audio/ogg")
    assert isinstance(told, ModelFailure)
    assert told.code is JobFailureCode.UNREADABLE


def test_a_network_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="media_allowed_networks"):
        Settings(_env_file=None, media_allowed_networks="10.0.0.0/8,example.com")
