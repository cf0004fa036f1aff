"""The peer of pipeline.py: datatrove from a folder of WARC files to clean JSON lines, as its FineWeb example wires it.

    python pipeline_datatrove.py WARC_FOLDER OUTPUT LID_MODEL

Reader, extractor, language, Gopher repetition, Gopher quality, C4, FineWeb, then MinHash in four stages; two workers.
"""

import sys

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
)
from datatrove.pipeline.readers import JsonlReader, WarcReader
from datatrove.pipeline.writers.jsonl import JsonlWriter
from datatrove.utils.lid import FastTextLID

WARCS, OUT, MODEL = sys.argv[1:4]
TASKS = WORKERS = 2


def load(self):
    """The small packaged model in place of the download, which makes the peer faster if anything."""
    if self._model is None:
        from fasttext.FastText import _FastText

        self._model = _FastText(MODEL)
    return self._model


FastTextLID.model = property(load)


def step(pipeline, name, tasks=TASKS, workers=WORKERS):
    LocalPipelineExecutor(pipeline, tasks=tasks, workers=workers, logging_dir=f"{OUT}/logs/{name}").run()


if __name__ == "__main__":
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    step(
        [
            WarcReader(WARCS, glob_pattern="*.warc.gz"),
            Trafilatura(favour_precision=True, timeout=5),
            LanguageFilter(languages=["en", "ko"], language_threshold=0.65),
            GopherRepetitionFilter(),
            GopherQualityFilter(),
            C4QualityFilter(filter_no_terminal_punct=False),
            FineWebQualityFilter(),
            JsonlWriter(f"{OUT}/filtered", output_filename="${rank}.jsonl.gz"),
        ],
        "filter",
    )
    reader = JsonlReader(f"{OUT}/filtered")
    step([reader, MinhashDedupSignature(output_folder=f"{OUT}/signatures", config=config)], "signatures")
    buckets = MinhashDedupBuckets(input_folder=f"{OUT}/signatures", output_folder=f"{OUT}/buckets", config=config)
    step([buckets], "buckets", tasks=14)
    step(
        [MinhashDedupCluster(input_folder=f"{OUT}/buckets", output_folder=f"{OUT}/remove", config=config)], "cluster", 1
    )
    step([reader, MinhashDedupFilter(input_folder=f"{OUT}/remove"), JsonlWriter(f"{OUT}/clean")], "clean")
