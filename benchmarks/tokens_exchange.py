"""Exported token files, held against the code of those who define the formats: megatron-core and datatrove.

    python benchmarks/tokens_exchange.py [SHARDS]

Runs in an environment that has both beside corpuskit's own packages. Without SHARDS, shards of the reference texts are
made. For each format: their reader gives our documents, their writer gives our bytes, and our import
reads what their writer wrote. Asserts, and prints a line for each.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from peers import DATA, nothing_measured, python_with, run_again_with

from corpuskit.exchange import export_shards, import_shards
from corpuskit.tokens import Tokenizer, open_shards

Documents = list[list[int]]


def documents(folder: Path) -> Documents:
    return [shard.document(row).tolist() for shard, row in open_shards(folder).documents()]


def same_files(ours: Path, theirs: Path, names: list[str]) -> None:
    for name in names:
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name


def megatron(wanted: Documents, tokenizer: Tokenizer, here: Path) -> None:
    import torch
    from megatron.core.datasets.indexed_dataset import DType, IndexedDataset, IndexedDatasetBuilder

    read: Any = IndexedDataset(str(here / "ours/train"))
    assert [read[number].tolist() for number in range(len(read))] == wanted
    builder = IndexedDatasetBuilder(str(here / "theirs/train.bin"), dtype=DType.optimal_dtype(tokenizer.vocabulary))
    for document in wanted:
        builder.add_document(torch.tensor(document), [len(document)])
    builder.finalize(str(here / "theirs/train.idx"))
    same_files(here / "ours", here / "theirs", ["train.bin", "train.idx"])
    import_shards([here / "theirs/train.bin"], tokenizer, here / "back")


def datatrove(wanted: Documents, tokenizer: Tokenizer, here: Path) -> None:
    from datatrove.pipeline.tokens.tokenizer import TokenizedFile
    from datatrove.utils.dataset import DatatroveFileDataset

    size = 2 if tokenizer.vocabulary <= 1 << 16 else 4
    settings = {"tokenizer_name_or_path": "tokenizer.json", "save_final_metadata": True, "token_size": size}
    file = TokenizedFile(str(here / "theirs"), "train.ds", **settings)
    for document in wanted:
        file.write(document, None)
    file.close()
    same_files(here / "ours", here / "theirs", ["train.ds", "train.ds.index", "train.ds.metadata"])
    data: Any = DatatroveFileDataset(str(here / "ours/train.ds"), 31, token_size=size)
    read = [token for window in range(len(data)) for token in data[window]["input_ids"].tolist()]
    flat = [token for document in wanted for token in document]
    assert read == flat[: len(flat) // 32 * 32]
    import_shards([here / "theirs/train.ds"], tokenizer, here / "back")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("shards", type=Path, nargs="?")
    folder = parser.parse_args().shards
    run_again_with(
        python_with(
            "exchange",
            ["loguru", "humanize"],
            without_dependencies=["megatron-core==0.16.1", "datatrove==0.10.1"],
            beside_ours=True,
        )
    )
    if folder is None:
        if not DATA.is_dir():
            nothing_measured(f"no shards were named, and there are no reference texts in {DATA}")
        from corpora import reference_shards

        folder = reference_shards(Path(tempfile.mkdtemp(prefix="bench-")))
    wanted, tokenizer = documents(folder), open_shards(folder).tokenizer
    for check in (megatron, datatrove):
        with tempfile.TemporaryDirectory() as name:
            here = Path(name)
            (here / "theirs").mkdir()
            export_shards(folder, here / "ours", check.__name__)
            check(wanted, tokenizer, here)
            assert documents(here / "back") == wanted
        print(f"{check.__name__}: reads ours, writes the same bytes, and we read its files: {len(wanted):,} documents")


if __name__ == "__main__":
    main()
