"""Loading adapters on their model: one or several, switched, stacked, or put aside.

Several LoRA adapters and bottlenecks may act at once: LoRA adapters add up, bottlenecks follow each other, and a
bottleneck sees what the LoRA below it changed. Prefix and prompt adapters act one at a time: two of them would both
claim the first places before the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpuskit.errors import CorpuskitError, UsageError, nearest, require
from corpuskit.training.adapters.folder import WEIGHTS, check_base, read_adapter, read_peft_config
from corpuskit.training.adapters.methods import quiet
from corpuskit.training.models import load_model, read_weights

LAYERS = ("LORA", "BOTTLENECK")
"""Kinds that live in layers of the model, in the order in which they are injected: bottlenecks wrap the rest."""
VIRTUAL = ("PREFIX_TUNING", "PROMPT_TUNING")
NAME = "default"


def load_adapted(base: str | Path, adapters: str | Path | Mapping[str, str | Path]) -> Any:
    """The model in a folder with adapters on it, ready for use and not for training.

    `adapters`: one adapter's folder, or folders by names of your choice. One is active from the start (several: all
    that may act at once, else the first); `activate` and `disabled` change that. With LoRA and bottlenecks the result
    is the model itself with their layers inside, with a prefix or prompt a `peft.PeftModel` around it.

    Raises UsageError where an adapter is not there or does not go with the others, CorpuskitError for one that was
    trained on another model.
    """
    named = dict(adapters) if isinstance(adapters, Mapping) else {NAME: adapters}
    if not named:
        raise UsageError("no adapter is given")
    if not (Path(base) / "config.json").is_file():
        raise UsageError(f"no model at {base}: it has no config.json")
    for folder in named.values():
        check_base(base, folder)
    return put_on(load_model(base), named)


def put_on(model: Any, adapters: Mapping[str, str | Path]) -> Any:
    """A loaded model with the adapters of these folders on it; see `load_adapted`. Does not look at digests."""
    require("corpuskit.training.adapters.bottleneck", "train")
    kinds = {name: _kind(folder) for name, folder in adapters.items()}
    virtual = [name for name, kind in kinds.items() if kind in VIRTUAL]
    if virtual and (len(virtual) < len(kinds) or len(set(kinds.values())) > 1):
        raise UsageError(
            f"{', '.join(f'{name} ({kind})' for name, kind in kinds.items())} do not go together: a prefix or prompt "
            "is loaded alone or with others of its own kind, to switch between"
        )
    if virtual:
        return _around(model, adapters)
    for name in sorted(adapters, key=lambda name: LAYERS.index(kinds[name])):
        _put_in(model, name, Path(adapters[name]))
    activate(model, *adapters)
    return model.eval()


def activate(model: Any, *names: str) -> None:
    """Let these adapters act, and no others. Raises UsageError for a name that is not loaded, or two prompts."""
    loaded = list(model.peft_config)
    for name in names:
        if name not in loaded:
            raise UsageError(f"no adapter '{name}' is loaded{nearest(name, loaded)}")
    if hasattr(model, "prompt_encoder"):
        if len(names) != 1:
            raise UsageError("of prefix and prompt adapters exactly one acts at a time")
        with quiet():
            model.set_adapter(names[0])
        model.requires_grad_(False)
        return
    for layer in _layers(model):
        here = [name for name in names if name in layer._get_available_adapters()]
        layer.set_adapter(here, inference_mode=True)


@contextmanager
def disabled(model: Any) -> Iterator[None]:
    """The model below the adapters, as it was, for as long as this lasts."""
    if hasattr(model, "prompt_encoder"):
        base = model.get_base_model()
        names = [name for name in ("forward", "generate") if hasattr(base, name)]
        try:
            for name in names:  # over the class's own, which put the virtual tokens in
                setattr(model, name, getattr(base, name))
            yield
        finally:
            for name in names:
                delattr(model, name)
        return
    layers = list(_layers(model))
    try:
        for layer in layers:
            layer._disable_adapters = True
        yield
    finally:
        for layer in layers:
            layer._disable_adapters = False


def virtual_places(model: Any) -> int:
    """Places before the text that a loaded prefix or prompt takes; 0 without one."""
    return int(model.active_peft_config.num_virtual_tokens) if hasattr(model, "prompt_encoder") else 0


def _kind(folder: str | Path) -> str:
    read_adapter(folder)
    kind = str(read_peft_config(folder)["peft_type"])
    if kind not in LAYERS + VIRTUAL:
        raise UsageError(f"{folder} holds a {kind} adapter{nearest(kind, LAYERS + VIRTUAL)}")
    return kind


def _around(model: Any, adapters: Mapping[str, str | Path]) -> Any:
    peft = require("peft", "train")
    adapted = None
    with quiet():
        for name, folder in adapters.items():
            if adapted is None:
                adapted = peft.PeftModel.from_pretrained(model, folder, adapter_name=name)
            else:
                adapted.load_adapter(folder, adapter_name=name)
    assert adapted is not None
    return adapted.eval()


def _put_in(model: Any, name: str, folder: Path) -> None:
    peft = require("peft", "train")
    settings = peft.PeftConfig.from_pretrained(folder)
    settings.inference_mode = True
    state = read_weights(folder / WEIGHTS)
    with quiet():
        try:
            peft.inject_adapter_in_model(settings, model, name)
            keys = peft.set_peft_model_state_dict(model, state, name)
        except (RuntimeError, ValueError) as error:
            raise CorpuskitError(f"the adapter at {folder} does not fit this model: {error}") from error
    lost = [*keys.unexpected_keys, *(key for key in keys.missing_keys if f".{name}." in f"{key}.")]
    if lost:
        raise CorpuskitError(f"the adapter at {folder} does not fit this model: {len(lost)} weights have no place")


def _layers(model: Any) -> Iterator[Any]:
    tuner_layer = require("peft.tuners.tuners_utils", "train").BaseTunerLayer
    return (module for module in model.modules() if isinstance(module, tuner_layer))
