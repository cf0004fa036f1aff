"""Virtual tokens before every document of a packed window: how prefix and prompt tuning train on windows.

A window holds several documents, and none sees another. So each document gets virtual tokens of its own: what it reads
is what it would read alone, behind `peft`'s model, and the two agree to rounding.

- **Prompt**: copies of the P embeddings are laid in before each document's first token. In an encoder-decoder that is
  the encoder's side, and the decoder may look at the copies of its document.
- **Prefix**: P keys and values of each layer, which every token may look at. Nothing computes them from the text, so
  one copy serves all documents; positions count from P on. In an encoder-decoder the decoder's self-attention gets
  them. (T5 knows tokens by their distance in the window: there, and only there, a later document of the window
  sees its prefix from further away than it would alone.)

This module needs `torch`: import it through `require`.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from corpuskit.training.adapters.methods import kind_of


class VirtualBody(nn.Module):
    """A `peft` model with a prefix or a prompt, as the objectives of training see a model.

    Everything but the module that reads the virtual tokens is the base model's own.
    """

    def __init__(self, adapted: Any) -> None:
        super().__init__()
        self.adapted = adapted
        settings = adapted.active_peft_config
        self.count: int = settings.num_virtual_tokens
        self.prompt = settings.peft_type == "PROMPT_TUNING"
        self.causal = kind_of(self._base().config.model_type) == "decoder"
        self._laid: _Laid | None = None

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("adapted").get_base_model(), name)

    @property
    def base_model(self) -> Any:
        return self._read_prompt if self.prompt else self._read_prefix

    @property
    def encoder(self) -> Any:
        return self._read_prompt if self.prompt else self.adapted.get_base_model().encoder

    @property
    def decoder(self) -> Any:
        return self._look_back if self.prompt else self._decode_prefix

    def _base(self) -> Any:
        return self.adapted.get_base_model()

    def _read_prompt(self, input_ids: Any, attention_mask: Any, position_ids: Any = None, **given: Any) -> Any:
        """Hidden states of the window's tokens; for an encoder-decoder those of the virtual tokens too."""
        base = self._base()
        full = attention_mask["full_attention"] if isinstance(attention_mask, dict) else attention_mask
        laid = _Laid(input_ids, full, self.count, base.config.pad_token_id)
        embedded = base.get_input_embeddings()(input_ids)
        prompt = self.adapted.get_prompt(batch_size=1)[0].to(embedded.dtype)
        given["inputs_embeds"] = laid.out(embedded, prompt)
        mask = laid.mask(self.causal)
        if base.config.model_type == "modernbert":
            place = torch.arange(laid.width, device=mask.device)
            near = (place[:, None] - place[None, :]).abs() <= base.config.sliding_window
            given["attention_mask"] = {"full_attention": mask, "sliding_attention": mask & near}
        else:
            given["attention_mask"] = mask
        if base.config.is_encoder_decoder:
            self._laid = laid
            return base.encoder(**given)
        states = base.base_model(position_ids=laid.positions, **given).last_hidden_state
        return SimpleNamespace(last_hidden_state=laid.back(states))

    def _look_back(self, encoder_attention_mask: Any, **given: Any) -> Any:
        """The decoder, which may look at its document's virtual tokens in what the encoder read."""
        laid = self._laid
        assert laid is not None
        source = laid.source.clamp(min=0)[:, None, None, :].expand(-1, 1, encoder_attention_mask.shape[2], -1)
        mask = encoder_attention_mask.gather(3, source) & (laid.source >= 0)[:, None, None, :]
        return self._base().decoder(encoder_attention_mask=mask, **given)

    def _read_prefix(self, input_ids: Any, attention_mask: Any, position_ids: Any, **given: Any) -> Any:
        return self._base().base_model(
            input_ids=input_ids,
            position_ids=position_ids + self.count,
            attention_mask=self._beside_prefix(input_ids, attention_mask, self.causal),
            past_key_values=self.adapted.get_prompt(batch_size=len(input_ids)),
            **given,
        )

    def _decode_prefix(self, input_ids: Any, attention_mask: Any, **given: Any) -> Any:
        return self._base().decoder(
            input_ids=input_ids,
            attention_mask=self._beside_prefix(input_ids, attention_mask, True),
            past_key_values=self.adapted.get_prompt(batch_size=len(input_ids)),
            **given,
        )

    def _beside_prefix(self, input_ids: Any, mask: Any, causal: bool) -> Any:
        """bool[B, 1, T, P + T]: the window's mask, with the prefix open to all."""
        rows, length = input_ids.shape
        if mask is None:
            mask = torch.ones(1, 1, length, length, dtype=torch.bool, device=input_ids.device)
            mask = (mask.tril() if causal else mask).expand(rows, 1, length, length)
        return torch.cat([mask.new_ones(rows, 1, length, self.count), mask], dim=3)


class _Laid:
    """The layout of a batch of windows with P virtual tokens before each document."""

    def __init__(self, tokens: Any, mask: Any, count: int, pad: int | None) -> None:
        """`tokens` int[B, T]; `mask` bool[B, 1, T, T] of who may look at whom, None where a window is one document."""
        rows, length = tokens.shape
        starts = torch.zeros(rows, length, dtype=torch.bool, device=tokens.device)
        starts[:, 0] = True
        if mask is not None:  # neighbours that do not see each other are in two documents
            starts[:, 1:] = ~mask[:, 0].diagonal(offset=-1, dim1=1, dim2=2)
        numbers = starts.cumsum(1)
        place = torch.arange(length, device=tokens.device).expand(rows, length)
        began = torch.where(starts, place, 0).cummax(1).values
        alone = starts & torch.cat([starts[:, 1:], starts.new_ones(rows, 1)], dim=1)
        headed = starts & ~(alone & (tokens == (-1 if pad is None else pad)))  # padding needs no prompt
        before = headed.cumsum(1)
        self.places = place + count * before
        self.width = length + count * int(before[:, -1].max())
        self.source = tokens.new_full((rows, self.width), -1)
        self.source.scatter_(1, self.places, place)
        self.virtual = tokens.new_full((rows, self.width), -1)
        row, first = headed.nonzero(as_tuple=True)
        for number in range(count):
            column = self.places[row, first] - count + number
            self.source[row, column] = first
            self.virtual[row, column] = number
        source = self.source.clamp(min=0)
        empty = -1 - torch.arange(self.width, device=tokens.device).expand(rows, -1)
        self.documents = torch.where(self.source >= 0, numbers.gather(1, source), empty)
        with_prompt = headed.gather(1, began)
        within = place - began + count * with_prompt
        self.positions = torch.where(self.source >= 0, within.gather(1, source), 0)
        self.positions = torch.where(self.virtual >= 0, self.virtual, self.positions)

    def out(self, embedded: Any, prompt: Any) -> Any:
        """[B, width, W]: embedded[B, T, W] with copies of prompt[P, W] laid in."""
        index = self.source.clamp(min=0)[:, :, None].expand(-1, -1, embedded.shape[2])
        laid = torch.where((self.source >= 0)[:, :, None], embedded.gather(1, index), 0.0)
        return torch.where((self.virtual >= 0)[:, :, None], prompt[self.virtual.clamp(min=0)], laid)

    def back(self, states: Any) -> Any:
        """[B, T, W]: the states of the window's own tokens."""
        return states.gather(1, self.places[:, :, None].expand(-1, -1, states.shape[2]))

    def mask(self, causal: bool) -> Any:
        """bool[B, 1, width, width]"""
        mask = self.documents[:, None, :, None] == self.documents[:, None, None, :]
        return mask & torch.ones_like(mask[0, 0]).tril() if causal else mask
