"""Web archives: members, records, bodies and pages. `corpuskit.sources.warc` is the source that reads them."""
