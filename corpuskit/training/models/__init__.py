"""Models: the families that can be trained, building and loading them, and what they compute over packed windows."""

from corpuskit.training.models.build import SENTINELS, build_model, model_tokenizer
from corpuskit.training.models.families import FAMILIES, Family, context_length, end_tokens, family_of, kind_of
from corpuskit.training.models.load import (
    aligned,
    check_vocabulary,
    count_parameters,
    load_model,
    load_pretrained,
    read_weights,
)
from corpuskit.training.models.states import (
    OutputHead,
    document_mask,
    layer_masks,
    output_head,
    packed_states,
    prediction_states,
    sequence_states,
)

__all__ = [
    "FAMILIES",
    "SENTINELS",
    "Family",
    "OutputHead",
    "aligned",
    "build_model",
    "check_vocabulary",
    "context_length",
    "count_parameters",
    "document_mask",
    "end_tokens",
    "family_of",
    "kind_of",
    "layer_masks",
    "load_model",
    "load_pretrained",
    "model_tokenizer",
    "output_head",
    "packed_states",
    "prediction_states",
    "read_weights",
    "sequence_states",
]
