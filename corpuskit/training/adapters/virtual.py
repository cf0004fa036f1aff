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

from typing import Any

import torch
from torch import nn

from corpuskit.training.models.states import causal_mask, document_mask, layer_masks, mask_for, same_document


class VirtualBody(nn.Module):
    """A `peft` model with a prefix or a prompt, as the objectives of training see a model.

    `packed_states` and `sequence_states` put the virtual tokens in; everything else is the base model's own.
    """

    def __init__(self, adapted: Any) -> None:
        super().__init__()
        self.adapted = adapted
        settings = adapted.active_peft_config
        self.count: int = settings.num_virtual_tokens
        self.prompt = settings.peft_type == "PROMPT_TUNING"

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("adapted").get_base_model(), name)

    def packed_states(self, tokens: Any, positions: Any, causal: bool) -> Any:
        """As `corpuskit.training.models.packed_states`, with virtual tokens before each document."""
        base, documents = self.adapted.get_base_model(), (positions == 0).cumsum(1)
        settings: dict[str, Any] = {"use_cache": False} if causal else {}
        if self.prompt:
            laid = self._laid(tokens, documents)
            masks = layer_masks(base.config, laid.mask(causal), laid.positions)
            states = base.base_model(
                inputs_embeds=self._with_prompt(tokens, laid),
                position_ids=laid.positions,
                attention_mask=masks,
                **settings,
            ).last_hidden_state
            return laid.back(states)
        queries = positions + self.count
        before = torch.arange(self.count, device=positions.device).expand(len(positions), -1)
        masks = layer_masks(
            base.config, self._after_prefix(documents, causal), queries, torch.cat([before, queries], dim=1)
        )
        return base.base_model(
            input_ids=tokens,
            position_ids=queries,
            attention_mask=masks,
            past_key_values=self.adapted.get_prompt(batch_size=len(tokens)),
            **settings,
        ).last_hidden_state

    def sequence_states(self, tokens: Any, documents: Any, decoder_tokens: Any, decoder_documents: Any) -> Any:
        """As `corpuskit.training.models.sequence_states`; a prompt goes before the encoder's documents, a prefix before
        the decoder's."""
        base, past = self.adapted.get_base_model(), None
        if self.prompt:
            laid = self._laid(tokens, documents)
            read = base.encoder(
                inputs_embeds=self._with_prompt(tokens, laid), attention_mask=mask_for(base, laid.mask(causal=False))
            ).last_hidden_state
            documents, allowed = laid.documents, document_mask(decoder_documents, causal=True)
        else:
            read = base.encoder(
                input_ids=tokens, attention_mask=mask_for(base, document_mask(documents, causal=False))
            ).last_hidden_state
            allowed, past = self._after_prefix(decoder_documents, causal=True), self.adapted.get_prompt(len(tokens))
        return base.decoder(
            input_ids=decoder_tokens,
            attention_mask=mask_for(base, allowed),
            encoder_hidden_states=read,
            encoder_attention_mask=mask_for(base, same_document(decoder_documents, documents)),
            past_key_values=past,
            use_cache=False,
        ).last_hidden_state

    def _laid(self, tokens: Any, documents: Any) -> _Laid:
        return _Laid(tokens, documents, self.count, self.adapted.get_base_model().config.pad_token_id)

    def _with_prompt(self, tokens: Any, laid: _Laid) -> Any:
        """[B, width, W]: the embeddings of the tokens, and those of the prompt before each document."""
        embedded = self.adapted.get_base_model().get_input_embeddings()(tokens)
        return laid.out(embedded, self.adapted.get_prompt(batch_size=1)[0].to(embedded.dtype))

    def _after_prefix(self, documents: Any, causal: bool) -> Any:
        """bool[B, 1, T, P + T]: pairs of tokens of one document, and the prefix open to all."""
        rows, length = documents.shape
        mask = same_document(documents)
        if causal:
            mask = mask & causal_mask(length, documents.device)
        return torch.cat([mask.new_ones(rows, 1, length, self.count), mask], dim=3)


class _Laid:
    """The layout of a batch of windows with P virtual tokens before each document."""

    def __init__(self, tokens: Any, documents: Any, count: int, pad: int | None) -> None:
        """`tokens` and `documents`, the number of each token's document, are int[B, T]."""
        rows, length = tokens.shape
        starts = torch.zeros(rows, length, dtype=torch.bool, device=tokens.device)
        starts[:, 0] = True
        starts[:, 1:] = documents[:, 1:] != documents[:, :-1]
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
        self.documents = torch.where(self.source >= 0, documents.gather(1, source), empty)
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
        mask = same_document(self.documents)
        return mask & causal_mask(self.width, mask.device) if causal else mask
