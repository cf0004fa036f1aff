"""What the feature `sources` declares."""

from corpuskit.engine.features import Command, Feature, ReportSection

FEATURE = Feature(
    name="sources",
    phase="collect",
    uses=("extract",),  # one decision on encodings and dates
    sources={
        "crawl": "corpuskit.sources.crawl:CrawlSource",
        "warc": "corpuskit.sources.warc:Warc",
        "jsonl": "corpuskit.sources.jsonl:JsonLines",
        "parquet": "corpuskit.sources.parquet:Parquet",
        "text": "corpuskit.sources.text:TextFiles",
        "datasets": "corpuskit.sources.huggingface:Datasets",
    },
    commands={"crawl": Command("corpuskit.sources.commands:crawl", "Keep the crawls of a run up to date.")},
    report=(ReportSection("corpuskit.sources.report:crawl", "record"),),
    histories=("corpuskit.sources.report:crawl_history",),
)
