"""A tokenizer: any `tokenizer.json`, and fast encoding whose ids are checked against the library that defined them.

Encoding runs through gigatoken (https://github.com/marcelroed/gigatoken), which gives the ids of Hugging Face
`tokenizers` about forty times faster. That it does so is checked on fixed probes when a tokenizer is loaded, and where
it does not (an exotic normalizer, a Unigram model), `tokenizers` itself encodes, with a warning.

Text is only ever text here: a page that spells out `<|end_of_text|>` gets the ids of those characters, never the id of
the special token, so no document can forge a document boundary.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.errors import UsageError, require
from corpuskit.inputs import Texts, as_texts

BEGIN, END, PAD, MASK = "<|begin_of_text|>", "<|end_of_text|>", "<|pad|>", "<|mask|>"
"""Special tokens of the tokenizers that corpuskit trains (MASK is appended where a model needs it)."""

END_NAMES = (END, "<|endoftext|>", "</s>", "<eos>", "<|im_end|>", "<|eot_id|>", "[SEP]")
BEGIN_NAMES = (BEGIN, "<s>", "<bos>", "[CLS]", "<|startoftext|>")
MASK_NAMES = (MASK, "[MASK]", "<mask>")
PAD_NAMES = (PAD, "<pad>", "[PAD]", "<|padding|>", "<|finetune_right_pad_id|>")
"""What public tokenizers call their special tokens, tried in order where no tokenizer_config.json names them."""

CONFIG, TEMPLATE = "tokenizer_config.json", "chat_template.jinja"
FILES = (CONFIG, TEMPLATE, "special_tokens_map.json", "added_tokens.json")
"""Files that belong to a tokenizer besides `tokenizer.json`."""

PROBES = (
    "The quick brown fox's 12,345 jumps, isn't it?  Yes!\n\n\tif x == 0:\r\n    return None\n",
    "국민건강보험 공단의 상담사입니다. 2019년 4월 1일부터 3,000명을 정규직으로 전환한다고 했습니다.",
    "日本語と中文、Ελληνικά и русский, العربية हिन्दी ไทย",
    "emoji 👩🏽‍💻🇰🇷 and combining e\u0301, NUL \0 inside, non-breaking\u00a0space, zero\u200bwidth, \ufeffmark \ufffd",
    "a" * 300 + " " * 70 + "1" * 50 + "!?" * 40,
    "<|begin_of_text|>spelled out<|end_of_text|></s><s>[SEP]",
    "",
)


class _Fast:
    """gigatoken, loaded anew now and then: it remembers each word that it meets, and memory must stay bounded."""

    RENEW_BYTES = 256 << 20

    def __init__(self, text: str) -> None:
        self.text = text
        self.backend: Any = require("gigatoken", "train").Tokenizer.from_json(text)
        self.encoded = 0

    def encode(self, array: pa.Array) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        if self.encoded > self.RENEW_BYTES:
            self.backend = None
            self.backend = require("gigatoken", "train").Tokenizer.from_json(self.text)
            self.encoded = 0
        self.encoded += array.nbytes
        layout = self.backend.encode_batch(require("awkward", "train").from_arrow(array)).layout
        offsets = np.asarray(layout.offsets.data, np.int64)
        tokens = np.asarray(layout.content.data, np.uint32)
        return tokens[offsets[0] : offsets[-1]], offsets - offsets[0]


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer and the special tokens that frame a document in the shards."""

    json: str
    """Contents of the `tokenizer.json`."""
    begin: int | None
    """Token that starts every document, where the tokenizer has one."""
    end: int
    """Token that closes every document."""
    pad: int
    """Token that fills short rows; never learned from. The closing token where the tokenizer has no other."""
    mask: int | None = None
    """Token that hides a word from an encoder, where the tokenizer has one."""
    files: tuple[tuple[str, str], ...] = ()
    """(name, text) of the other files of the folder that it was loaded from: they are saved unchanged."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the `tokenizer.json`: shards state it, and a model refuses shards of another one."""
        return hashlib.sha256(self.json.encode()).hexdigest()

    @cached_property
    def ids_digest(self) -> str:
        """SHA-256 of what decides the ids of a text: without the framing that `AutoTokenizer` adds to it."""
        return hashlib.sha256(_plain(self.json).encode()).hexdigest()

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The contents of its `tokenizer_config.json`; empty where it has none."""
        return dict(json.loads(dict(self.files).get(CONFIG, "{}")))

    @cached_property
    def template(self) -> str | None:
        """Its chat template in Jinja, where it has one."""
        if (text := dict(self.files).get(TEMPLATE)) is not None:
            return text
        template = self.settings.get("chat_template")
        if isinstance(template, list):  # several by name
            template = next((entry["template"] for entry in template if entry.get("name") == "default"), None)
        return template or None

    @cached_property
    def sentinels(self) -> tuple[int, ...]:
        """Ids of `<extra_id_0>`, `<extra_id_1>`, ...: the gaps that an encoder-decoder fills. T5's count downward."""
        numbers: list[int] = []
        while (number := self.id_of(f"<extra_id_{len(numbers)}>")) is not None:
            numbers.append(number)
        return tuple(numbers)

    @cached_property
    def special_tokens(self) -> dict[str, int]:
        """Special token -> id."""
        return {
            token["content"]: int(token["id"]) for token in json.loads(self.json)["added_tokens"] if token["special"]
        }

    @cached_property
    def vocabulary(self) -> int:
        """One more than the largest id."""
        return 1 + max(int(number) for number in self.reference.get_vocab(with_added_tokens=True).values())

    @cached_property
    def reference(self) -> Any:
        """The `tokenizers.Tokenizer` that defines the ids: no framing, no truncation, special tokens never parsed."""
        tokenizer = require("tokenizers", "train").Tokenizer.from_str(_plain(self.json))
        tokenizer.encode_special_tokens = True
        return tokenizer

    @cached_property
    def parsing(self) -> Any:
        """A `tokenizers.Tokenizer` that does read special tokens out of text, without framing: for chat templates."""
        return require("tokenizers", "train").Tokenizer.from_str(_plain(self.json))

    @cached_property
    def _fast(self) -> _Fast | None:
        try:
            fast = _Fast(_plain(self.json, special=False))
            tokens, offsets = fast.encode(pa.array(PROBES, pa.large_string()))
            got = [tokens[start:end].tolist() for start, end in pairwise(offsets)]
            reason = "" if got == [self.reference.encode(text).ids for text in PROBES] else "other ids on a probe"
        except Exception as error:  # gigatoken refuses the kinds of tokenizer that it does not know in many ways
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if reason:
            warnings.warn(f"gigatoken cannot encode for this tokenizer ({reason}); encoding runs slower", stacklevel=3)
            return None
        return fast

    @property
    def fast(self) -> bool:
        """Whether gigatoken encodes."""
        return self._fast is not None

    def encode(self, texts: Texts) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """(tokens uint32[total], offsets int64[n + 1]): text i is `tokens[offsets[i]:offsets[i + 1]]`, unframed.

        A null text is an empty one.
        """
        array = as_texts(texts).fill_null("")
        if self._fast is not None:
            return self._fast.encode(array)
        rows = self.reference.encode_batch_fast(array.to_pylist(), add_special_tokens=False)
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        tokens = np.concatenate([np.asarray(row.ids, np.uint32) for row in rows] or [np.zeros(0, np.uint32)])
        return tokens, offsets

    def agrees(self, texts: Texts) -> bool:
        """Whether the fast encoder gives the defining library's ids on these texts."""
        array = as_texts(texts).fill_null("")
        tokens, offsets = self.encode(array)
        rows = self.reference.encode_batch_fast(array.to_pylist(), add_special_tokens=False)
        return len(rows) == len(offsets) - 1 and all(
            np.array_equal(tokens[offsets[i] : offsets[i + 1]], row.ids) for i, row in enumerate(rows)
        )

    def slow(self) -> Tokenizer:
        """The same tokenizer with the defining library as its encoder."""
        copy = replace(self)
        copy.__dict__["_fast"] = None
        return copy

    def decode(self, tokens: Sequence[int] | npt.NDArray[Any]) -> str:
        """The text of tokens, special tokens left out."""
        return str(self.reference.decode([int(token) for token in tokens], skip_special_tokens=True))

    @property
    def byte_level(self) -> bool:
        """Whether each token is a byte sequence, so that a text has the bytes of its tokens."""
        return bool((json.loads(self.json).get("decoder") or {}).get("type") == "ByteLevel")

    def text_bytes(self, tokens: npt.NDArray[Any], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """int64[n]: UTF-8 bytes of the text of tokens `offsets[i]` to before `offsets[i + 1]`.

        Exact for a byte-level tokenizer; for another one, of the text as it decodes.
        """
        if self.byte_level:
            ends = np.concatenate(
                [[0], np.cumsum(self.token_bytes()[tokens[offsets[0] : offsets[-1]]], dtype=np.int64)]
            )
            lengths: npt.NDArray[np.int64] = np.diff(ends[offsets - offsets[0]])
            return lengths
        rows = [tokens[start:end].tolist() for start, end in pairwise(offsets.tolist())]
        return np.array([len(text.encode()) for text in self.reference.decode_batch(rows)], np.int64)

    def token_bytes(self) -> npt.NDArray[np.int32]:
        """int32[vocabulary]: UTF-8 bytes of each token of a byte-level tokenizer; special tokens 0."""
        lengths = np.zeros(self.vocabulary, np.int32)
        special = {added["id"] for added in json.loads(self.json)["added_tokens"] if added["special"]}
        for token, number in self.reference.get_vocab(with_added_tokens=True).items():
            if number not in special:
                lengths[number] = len(token)
        return lengths

    def extended(self, tokens: Sequence[str]) -> Tokenizer:
        """The tokenizer with special tokens appended after its last id; ids that exist stay what they are."""
        tokenizer = require("tokenizers", "train").Tokenizer.from_str(self.json)
        tokenizer.add_special_tokens([token for token in tokens if tokenizer.token_to_id(token) is None])
        text, mask = tokenizer.to_str(), self.mask
        if mask is None and (found := tokenizer.token_to_id(MASK)) is not None:
            mask = int(found)
        return replace(self, json=text, mask=mask)

    def framing(self, close: bool) -> Tokenizer:
        """The tokenizer with the framing of documents as its post-processor: `AutoTokenizer` then adds the token that
        begins a document, and with `close` the one that ends it. Texts encoded here stay unframed."""
        names = [self.begin, *([self.end] if close else [])]
        if self.begin is None or json.loads(self.json).get("post_processor"):
            return self
        library = require("tokenizers", "train")
        tokenizer = library.Tokenizer.from_str(self.json)
        begin, end = (str(self.reference.id_to_token(number)) for number in (self.begin, self.end))
        after = f" {end}" if close else ""
        tokenizer.post_processor = library.processors.TemplateProcessing(
            single=f"{begin} $A{after}",
            pair=f"{begin} $A{after} {begin}:1 $B:1{after and after + ':1'}",
            special_tokens=[(str(self.reference.id_to_token(number)), number) for number in dict.fromkeys(names)],
        )
        return replace(self, json=tokenizer.to_str())

    def id_of(self, token: str) -> int | None:
        number = self.reference.token_to_id(token)
        return None if number is None else int(number)

    def save(self, folder: Path, context: int | None = None) -> Path:
        """Write `tokenizer.json` and the files with which `AutoTokenizer.from_pretrained(folder)` loads it: those that
        it was loaded with, unchanged, or a configuration of our own with `context` as its `model_max_length`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(self.json, encoding="utf-8")
        for name, text in self.files:
            (folder / name).write_text(text, encoding="utf-8")
        if CONFIG in dict(self.files):
            return folder / "tokenizer.json"
        names = {"bos_token": self.begin, "eos_token": self.end, "pad_token": self.pad}
        config: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
        config |= {key: self.reference.id_to_token(number) for key, number in names.items() if number is not None}
        if self.mask is not None:
            config["mask_token"] = self.reference.id_to_token(self.mask)
        if context is not None:
            config["model_max_length"] = context
        (folder / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return folder / "tokenizer.json"


def load_tokenizer(path: str | Path) -> Tokenizer:
    """A tokenizer from a `tokenizer.json`, or from a folder that holds one.

    Its special tokens are those named in `tokenizer_config.json` in the same folder, else those with a well-known name.
    Raises UsageError where the file is missing, is no tokenizer, or has no token that could close a document.
    """
    file = Path(path)
    file = file / "tokenizer.json" if file.is_dir() else file
    if not file.is_file():
        raise UsageError(f"no tokenizer at {file}: name a tokenizer.json, or a folder that holds one")
    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        tokenizer = require("tokenizers", "train").Tokenizer.from_str(text)
    except Exception as error:  # the library raises plain Exception for all that it cannot read
        raise UsageError(f"{file} is not a tokenizer.json: {error}") from error
    files = tuple(
        (name, (file.parent / name).read_text(encoding="utf-8")) for name in FILES if (file.parent / name).is_file()
    )
    try:
        config = json.loads(dict(files).get(CONFIG, "{}"))
    except ValueError as error:
        raise UsageError(f"{file.parent / CONFIG} is not JSON: {error}") from error

    def find(key: str, names: Sequence[str]) -> int | None:
        named = config.get(key)
        named = named.get("content") if isinstance(named, dict) else named
        for name in ([named] if named else []) + list(names):
            number = tokenizer.token_to_id(name)
            if number is not None:
                return int(number)
        return None

    end = find("eos_token", END_NAMES)
    if end is None:
        raise UsageError(
            f"{file} has no end-of-text token (looked for {', '.join(END_NAMES)}): "
            "name it as eos_token in a tokenizer_config.json in the same folder"
        )
    pad = find("pad_token", PAD_NAMES)
    begin, mask = find("bos_token", BEGIN_NAMES), find("mask_token", MASK_NAMES)
    return Tokenizer(text, begin, end, end if pad is None else pad, mask, files)


def _plain(text: str, special: bool = True) -> str:
    """The tokenizer without framing, truncation and padding; `special=False` drops special tokens from its parser."""
    data = json.loads(text)
    data.update(post_processor=None, truncation=None, padding=None)
    if not special:
        data["added_tokens"] = [token for token in data["added_tokens"] if not token["special"]]
    return json.dumps(data, ensure_ascii=False)
