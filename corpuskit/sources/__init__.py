"""Where documents come from. A recipe's key names one source class; each cuts its files into splits and reads them.

warc      web archives            corpuskit.sources.warc.Warc
jsonl     JSON lines              corpuskit.sources.jsonl.JsonLines
parquet   Parquet tables          corpuskit.sources.parquet.Parquet
text      plain text files        corpuskit.sources.text.TextFiles
datasets  Hugging Face datasets   corpuskit.sources.huggingface.Datasets
crawl     the live web            corpuskit.sources.crawl
"""
