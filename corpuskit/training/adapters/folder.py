"""An adapter's folder, and the digest that ties it to the model it was trained on.

models/lora/
  adapter_config.json, adapter_model.safetensors   loads with `peft.PeftModel.from_pretrained(base, folder)`
  adapter.json      the method with its settings, and the base: its name and the SHA-256 of its weights
  tokenizer.json, training.json, metrics.jsonl, checkpoints/   as for a pretrained model
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from corpuskit.errors import CorpuskitError, UsageError

FILE = "adapter.json"
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


class AdapterFile(BaseModel):
    """The file `adapter.json`."""

    model_config = ConfigDict(frozen=True)

    method: str
    base: str
    """SHA-256 of the weights of the model below (`weights_digest`)."""
    base_folder: str
    """Where that model lay."""
    settings: dict[str, Any]

    def write(self, folder: Path) -> None:
        (folder / FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def weights_digest(model: str | Path) -> str:
    """SHA-256 of the safetensors file in a model's or adapter's folder; of several, that of their digests by name.

    Raises UsageError where there are none.
    """
    files = sorted(Path(model).glob("model*.safetensors")) or sorted(Path(model).glob(WEIGHTS))
    if not files:
        raise UsageError(f"no model at {model}: it has no model.safetensors")
    digests = [_digest(str(file), (status := file.stat()).st_size, status.st_mtime_ns) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


@lru_cache(maxsize=64)
def _digest(file: str, size: int, changed: int) -> str:
    """Read once, however many adapters are held against it; a file that was written since is another."""
    with Path(file).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read_adapter(folder: str | Path) -> AdapterFile | None:
    """The `adapter.json` of an adapter's folder, or None for one that another tool wrote.

    Raises UsageError where there is no adapter, or its `adapter.json` cannot be read.
    """
    folder = Path(folder)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise UsageError(f"no adapter at {folder}: it has no {name}")
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        return AdapterFile.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{file}, field {'.'.join(map(str, first['loc'])) or 'all'}: {first['msg']}") from error


def read_peft_config(folder: str | Path) -> dict[str, Any]:
    """The settings in `adapter_config.json`. Raises UsageError where they cannot be read."""
    file = Path(folder) / CONFIG
    try:
        settings: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        settings["peft_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} does not hold the settings of an adapter: {error}") from error
    return settings


def check_base(base: str | Path, folder: str | Path) -> None:
    """Raises CorpuskitError where an adapter was trained on another model than the one in `base`.

    An adapter that another tool wrote does not say what it was trained on; only its shapes can be held against it.
    """
    adapter = read_adapter(folder)
    if adapter is None:
        return
    digest = weights_digest(base)
    if digest != adapter.base:
        raise CorpuskitError(
            f"the adapter at {folder} was trained on another model ({adapter.base_folder}, weights {adapter.base[:12]}…"
            f") than {base} (weights {digest[:12]}…): load it on the model that it was trained on"
        )
