"""How much of the machine's arithmetic a training uses: floating-point operations a step, against the device's peak.

The count is the usual one of a forward and a backward pass (Chowdhery et al. 2022, arXiv:2204.02311, appendix B): six
operations for each weight of a matrix and token that meets it, and twelve for each layer, unit of width and pair of
tokens in attention, masked pairs among them. Recomputed activations do not count, so the figure is comparable
(model FLOPs utilisation).
"""

from __future__ import annotations

import time
from typing import Any

from corpuskit.errors import require
from corpuskit.training.config import Kind
from corpuskit.training.machine import Machine
from corpuskit.training.masking import span_counts
from corpuskit.training.objectives import MASKED_WORDS, SPAN_DENSITY, SPAN_MEAN

PEAKS = {
    "H200": 989e12,
    "H100": 989e12,
    "GH200": 989e12,
    "A100": 312e12,
    "B200": 2250e12,
    "L40S": 362e12,
    "L4": 121e12,
    "A10": 125e12,
    "RTX 4090": 165e12,
    "V100": 125e12,
    "T4": 65e12,
}
"""Operations a second that the makers state for dense products in 16 bits, tensor cores and all."""


def window_operations(model: Any, kind: Kind, tokens: int) -> float:
    """Floating-point operations of training on one window of `tokens` tokens."""
    settings = model.config
    output = model.get_output_embeddings().weight.numel()
    if kind != "encoder-decoder":
        layers, width = settings.num_hidden_layers, settings.hidden_size
        predicted = tokens if kind == "decoder" else round(tokens * MASKED_WORDS)
        body = _matrices(model.base_model)
        return float(6 * (tokens * body + predicted * output) + 12 * layers * width * tokens**2)
    noise, spans = span_counts(tokens, SPAN_DENSITY, SPAN_MEAN)
    read = tokens - noise + spans
    written = -(-(noise + spans + 2) // 16) * 16  # closed by a sentinel and the end token, and filled up as batches are
    width = settings.num_heads * settings.d_kv
    keys = 2 * settings.d_model * width * settings.num_decoder_layers  # the decoder's, of what the encoder read
    encoder, decoder = _matrices(model.encoder), _matrices(model.decoder)
    weights = read * (encoder + keys) + written * (decoder - keys + output)
    pairs = settings.num_layers * read**2 + settings.num_decoder_layers * (written**2 + written * read)
    return float(6 * weights + 12 * width * pairs)


def peak_operations(machine: Machine) -> float | None:
    """Operations a second that one rank's device could do at most; None for a graphics card that is not in the table.

    A processor is measured with a matrix product in the run's precision.
    """
    torch = require("torch", "train")
    if machine.device.startswith("cuda"):
        name = torch.cuda.get_device_name(machine.device)
        peaks = [peak for part, peak in PEAKS.items() if part in name.replace("GeForce ", "")]
        return max(peaks) if peaks else None
    size, best = 768, float("inf")
    matrix = machine.narrowed(torch.ones(size, size))
    for _ in range(3):
        began = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - began)
    return 2.0 * size**3 / best


def _matrices(module: Any) -> int:
    """Weights of a module's matrices, embeddings left out."""
    torch = require("torch", "train")
    return sum(layer.weight.numel() for layer in module.modules() if isinstance(layer, torch.nn.Linear))
