"""A causal language model as an audit needs it: token scores without ever holding the logits of a whole batch.

The language-model head is applied to some positions at a time and reduced at once to a handful of numbers a
token, so memory does not grow with vocabulary times length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.engine.files import file_digest, read_json
from corpuskit.errors import CorpuskitError, UsageError, require
from corpuskit.memorization.config import DecodingPolicy
from corpuskit.memorization.scoring.reduce import reduce_logits, reduce_on_device
from corpuskit.tokens import Shards, load_tokenizer
from corpuskit.training.models import aligned, load_pretrained

LOGITS = 1 << 22
"""Logits in memory at once, 16 MiB of them: enough to keep all cores busy, whatever the vocabulary."""
PROBED = 20
"""Documents that the tokenizers of model and shards must encode alike."""
MOVED = 1e-4
"""Change of an earlier logit, as a share of the logits' spread, from which a later token counts as its cause. Between
two passes over the same tokens it is about 1e-6."""
PREFIXES = 512
"""Rows of one forward pass over prefixes."""
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Scores:
    """What the model made of each predicted token. `score` gives arrays [windows, length - 1], where column t is about
    token t + 1; `score_ragged` gives flat arrays [predicted tokens]."""

    log_probability: npt.NDArray[np.float32]
    """Natural log of the probability of the token given those before it."""
    rank: npt.NDArray[np.int32]
    """How many tokens the model prefers to it; of equally likely ones, greedy decoding takes the smallest id."""
    margin: npt.NDArray[np.float32]
    """Logit of the model's first choice less that of its second."""
    entropy: npt.NDArray[np.float32]
    """Entropy of the model's distribution in nats."""
    sigma: npt.NDArray[np.float32]
    """Standard deviation of the log-probability of a token drawn from the model's distribution."""
    policies: tuple[npt.NDArray[np.float32], ...]
    """For each decoding policy, the log-probability of the token under it; -inf where the policy cuts it off."""

    @property
    def match(self) -> npt.NDArray[np.bool_]:
        """Whether the token is the model's first choice."""
        found: npt.NDArray[np.bool_] = self.rank == 0
        return found


_COLUMNS: dict[str, Any] = {
    "log_probability": np.float32,
    "rank": np.int32,
    "margin": np.float32,
    "entropy": np.float32,
    "sigma": np.float32,
}


class CausalModel:
    """A checkpoint of ours or any Hugging Face causal model folder."""

    def __init__(self, folder: str | Path):
        torch = require("torch", "train")
        transformers = require("transformers", "train")
        self.folder = Path(folder)
        self._base: Path | None
        if (self.folder / "adapter_config.json").is_file() and not (self.folder / "config.json").is_file():
            model, self._base = _adapted(self.folder)
        elif (self.folder / "config.json").is_file():
            model, self._base = _loaded(self.folder), None
        else:
            raise UsageError(f"{folder}: no model is here (no config.json)")
        self._torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model: Any = aligned(model.to(self.device, torch.float32)).eval()
        # what the folder says of decoding (a penalty for repetition) would not be the model's own choice
        self.model.generation_config = transformers.GenerationConfig()
        self.head: Any = model.get_output_embeddings()
        self.context = int(getattr(model.config, "max_position_embeddings", 0) or 1 << 30)
        self._check_causal()

    @cached_property
    def digest(self) -> str:
        """Names the model by its configuration and weights, an adapter by its base's too: equal bytes, equal digest."""
        files = [
            file
            for folder in (self.folder, self._base)
            if folder is not None
            for name in ("config.json", "adapter_config.json", "*.safetensors", "*.bin")
            for file in sorted(folder.glob(name))
        ]
        return hashlib.blake2b(" ".join(map(file_digest, files)).encode(), digest_size=16).hexdigest()

    def _check_causal(self) -> None:
        """Raises UsageError where a later token changes what the model gives for earlier ones.

        The log-probability of a token would then not be one given the tokens before it, and no metric of an audit would
        mean what it says. Masked models, which transformers loads as causal ones without a word, are found so.
        """
        torch = self._torch
        length = min(16, self.context)
        if length < 2:
            return
        chance = np.random.default_rng(0)
        tokens = chance.integers(0, self.head.weight.shape[0], (4, length))
        changed = tokens.copy()
        half = length // 2
        changed[:, half:] = (changed[:, half:] + 1) % self.head.weight.shape[0]
        with torch.inference_mode():
            one, two = (
                self.model(input_ids=torch.from_numpy(rows).to(self.device), use_cache=False).logits[:, :half].float()
                for rows in (tokens, changed)
            )
        known = torch.isfinite(one) & torch.isfinite(two)  # some families forbid tokens
        if not known.any():
            return
        moved = float((one - two)[known].abs().max())
        if moved > MOVED * float(one[known].std()):
            raise UsageError(
                f"{self.folder}: this is not a causal model: its scores of earlier tokens change with later tokens (a "
                f"logit by {moved:.2g}), as those of a masked model do, and no figure of an audit would hold for it. "
                "Audit a decoder"
            )

    def check_shards(self, shards: Shards) -> None:
        """Raises UsageError where the shards were made with another tokenizer than the model's.

        A model folder with a tokenizer must encode the first documents as the shards have them; one without must at
        least have a row for every token.
        """
        vocabulary = shards.manifest.tokenizer.vocabulary
        if self.head.weight.shape[0] < vocabulary:
            raise UsageError(
                f"the model knows {self.head.weight.shape[0]:,} tokens and the shards use {vocabulary:,}: "
                "they were made with another tokenizer"
            )
        if not (self.folder / "tokenizer.json").is_file():
            return
        own, theirs = load_tokenizer(self.folder), shards.tokenizer
        if own.digest == theirs.digest:
            return
        texts = [theirs.decode(shard.document(row)) for shard, row in islice(shards.documents(), PROBED)]
        mine, other = own.encode(texts), theirs.encode(texts)
        if not (np.array_equal(mine[0], other[0]) and np.array_equal(mine[1], other[1])):
            raise UsageError(
                f"{self.folder} has another tokenizer than {shards.folder}: the same text has other tokens. Write "
                f"shards of the text with the model's tokenizer (tokens: tokenizer: path: {self.folder}), "
                "and audit the model on those"
            )

    def score(self, tokens: Array, policies: Sequence[DecodingPolicy] = ()) -> Scores:
        """Scores of windows of equal length, int[windows, length]: one teacher-forced forward pass.

        Raises UsageError where the windows are longer than the model's context.
        """
        windows, length = tokens.shape
        flat = self._forward(tokens, np.full(windows, length), policies)
        shape = (windows, length - 1)
        return Scores(
            policies=tuple(values.reshape(shape) for values in flat.policies),
            **{name: getattr(flat, name).reshape(shape) for name in _COLUMNS},
        )

    def score_ragged(
        self, tokens: Array, offsets: npt.NDArray[np.int64], policies: Sequence[DecodingPolicy] = (), batch: int = 64
    ) -> Scores:
        """Scores of passages int[tokens] cut at int64[passages + 1], flat: a passage of n tokens gives n - 1 of them.

        `batch` passages of similar length share a forward pass, padded on the right, which a causal model does not see.
        """
        lengths = np.diff(offsets)
        places = np.concatenate([[0], np.cumsum(np.maximum(lengths - 1, 0))])
        total = int(places[-1])
        found = Scores(
            policies=tuple(np.empty(total, np.float32) for _ in policies),
            **{name: np.empty(total, kind) for name, kind in _COLUMNS.items()},
        )
        order = np.argsort(lengths, kind="stable")
        order = order[lengths[order] > 1]
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            rows = np.zeros((len(chosen), int(lengths[chosen].max())), np.int64)
            for row, passage in zip(rows, chosen, strict=True):
                row[: lengths[passage]] = tokens[offsets[passage] : offsets[passage + 1]]
            scores = self._forward(rows, lengths[chosen], policies)
            where = np.concatenate([np.arange(places[passage], places[passage + 1]) for passage in chosen])
            for name in _COLUMNS:
                getattr(found, name)[where] = getattr(scores, name)
            for mine, theirs in zip(found.policies, scores.policies, strict=True):
                mine[where] = theirs
        return found

    def next_log_probabilities(self, tokens: Array, wanted: list[npt.NDArray[np.int64]]) -> list[Any]:
        """For each row of int[rows, length], the natural log-probabilities of the `wanted` next tokens."""
        torch = self._torch
        found: list[npt.NDArray[np.float64]] = []
        with torch.inference_mode():
            for start in range(0, len(tokens), PREFIXES):
                ids = torch.from_numpy(np.ascontiguousarray(tokens[start : start + PREFIXES], np.int64)).to(self.device)
                logits = self.head(self._hidden(ids)[:, -1]) if self._head_is_all else self._last_logits(ids)
                logs = torch.log_softmax(logits.float(), -1).cpu().numpy()
                found += [row[choice].astype(np.float64) for row, choice in zip(logs, wanted[start:], strict=False)]
        return found

    def write(
        self,
        prompts: Array,
        tokens: int,
        *,
        sampled: bool = False,
        end: int | None = None,
        seed: int = 0,
        batch: int = 64,
    ) -> npt.NDArray[np.int64]:
        """int64[rows, tokens]: what the model writes after int[rows, length], greedily, or `sampled` at temperature 1.

        After the token `end` a row holds nothing but it. Raises UsageError where the text would not fit the context.
        """
        torch = self._torch
        if prompts.shape[1] + tokens > self.context:
            raise UsageError(f"{prompts.shape[1]} tokens and {tokens} more do not fit a context of {self.context}")
        # a configuration of its own: a penalty that the folder brings would not be greedy decoding
        settings = require("transformers", "train").GenerationConfig(
            do_sample=sampled,
            **({"temperature": 1.0, "top_k": 0, "top_p": 1.0} if sampled else {}),
            max_new_tokens=tokens,
            eos_token_id=end,
            pad_token_id=0 if end is None else end,
        )
        found = np.full((len(prompts), tokens), 0 if end is None else end, np.int64)
        for start in range(0, len(prompts), batch):
            ids = torch.from_numpy(np.ascontiguousarray(prompts[start : start + batch], np.int64)).to(self.device)
            torch.manual_seed(seed + start)
            with torch.inference_mode():
                rows = self.model.generate(
                    input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=settings
                )[:, prompts.shape[1] :]
            found[start : start + len(rows), : rows.shape[1]] = rows.cpu().numpy()
        return found

    def _last_logits(self, ids: Any) -> Any:
        rows = [self.model(input_ids=row[None], use_cache=False).logits[:, -1] for row in ids]
        return self._torch.cat(rows)

    def _hidden(self, tokens: Any) -> Any:
        return self.model.base_model(input_ids=tokens, use_cache=False).last_hidden_state

    def _forward(self, tokens: Array, lengths: Array, policies: Sequence[DecodingPolicy]) -> Scores:
        """Flat scores of the first `lengths[i]` tokens of each row, rows in order."""
        torch = self._torch
        if tokens.shape[1] > self.context:
            raise UsageError(f"windows of {tokens.shape[1]} tokens do not fit a context of {self.context}")
        predicted = torch.from_numpy(np.arange(1, tokens.shape[1])[None, :] < lengths[:, None]).to(self.device)
        parts: list[tuple[Any, ...]] = []
        with torch.inference_mode():
            ids = torch.from_numpy(np.ascontiguousarray(tokens, np.int64)).to(self.device)
            targets = ids[:, 1:][predicted]
            start = 0
            for logits in self._logits(ids, predicted):
                parts.append(self._reduced(logits, targets[start : start + len(logits)], policies))
                start += len(logits)
        columns = [np.concatenate(values) for values in zip(*parts, strict=True)]
        if not columns:
            columns = [np.empty(0, np.float32)] * (5 + len(policies))
        if not np.isfinite(columns[4]).all():
            raise CorpuskitError(f"{self.folder}: the model gives logits that are no numbers; its weights are damaged")
        return Scores(columns[0], columns[1].astype(np.int32), columns[2], columns[3], columns[4], tuple(columns[5:]))

    def _logits(self, ids: Any, predicted: Any) -> Iterator[Any]:
        """Logits [some, vocabulary] of the places that are marked in [rows, length - 1], some at a time, in order.

        Each block lies where the one before lay.
        """
        torch = self._torch
        if self._head_is_all:
            hidden = self._hidden(ids)[:, :-1][predicted]
            rows = max(LOGITS // self.head.weight.shape[0], 16)
            # one room for all blocks: what is kept of a block would lie where the block lay, so that the next one
            # finds no gap of its size, and the heap grows by a block each time
            room = torch.empty((min(rows, len(hidden)), self.head.weight.shape[0]), device=self.device)
            plain = type(self.head) is torch.nn.Linear and self.head.bias is None
            for start in range(0, len(hidden), rows):
                some = hidden[start : start + rows]
                if plain:
                    yield torch.mm(some, self.head.weight.T, out=room[: len(some)])
                else:
                    yield room[: len(some)].copy_(self.head(some))
            return
        for row, places in zip(ids, predicted, strict=True):
            yield self.model(input_ids=row[None], use_cache=False).logits[0, :-1][places].float()

    def _reduced(self, logits: Any, targets: Any, policies: Sequence[DecodingPolicy]) -> tuple[Array, ...]:
        if self.device == "cpu":
            return reduce_logits(logits.numpy(), targets.numpy(), policies, self._torch.get_num_threads())
        return reduce_on_device(self._torch, logits, targets, policies)

    @cached_property
    def _head_is_all(self) -> bool:
        """Whether the model's logits are its head over its last hidden states, and nothing is done to them after.

        Some families scale or cap them; of those, whole sequences are asked, one at a time.
        """
        torch = self._torch
        with torch.inference_mode():
            ids = torch.arange(min(8, self.head.weight.shape[0], self.context), device=self.device)[None]
            whole = self.model(input_ids=ids, use_cache=False).logits.float()
            try:
                head = self.head(self._hidden(ids)).float()
            except (RuntimeError, TypeError, AttributeError):
                return False
            same: bool = whole.shape == head.shape and torch.allclose(whole, head, rtol=1e-4, atol=1e-4)
        return same


def _loaded(folder: Path) -> Any:
    try:
        return load_pretrained(folder, require("transformers", "train").AutoModelForCausalLM, use_safetensors=None)
    except ValueError as error:
        raise UsageError(f"{folder}: an audit needs a causal language model: {error}") from error


def _adapted(folder: Path) -> tuple[Any, Path]:
    """The model of an adapter's folder, merged into its base, and the base's folder.

    Raises UsageError where the base is not on this machine, or the adapter does not belong to it.
    """
    settings = read_json(folder / "adapter_config.json")
    base = settings.get("base_model_name_or_path") if isinstance(settings, dict) else None
    where = Path(base) if isinstance(base, str) else None
    if where is None or not (where / "config.json").is_file():
        raise UsageError(
            f"{folder} is an adapter, and its base '{base}' is not a model folder here: set base_model_name_or_path in "
            f"{folder}/adapter_config.json to the folder of the base, or merge the two (peft: merge_and_unload, then "
            "save_pretrained) and audit the merged model"
        )
    peft = require("peft", "train")
    try:
        model = peft.PeftModel.from_pretrained(_loaded(where), folder, local_files_only=True)
    except (ValueError, RuntimeError, OSError) as error:
        reason = str(error).split("\n")[0]
        raise UsageError(f"{folder}: the adapter does not fit its base {where}: {reason}") from error
    return model.merge_and_unload(), where
