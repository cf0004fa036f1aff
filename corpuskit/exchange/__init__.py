"""Token files of other trainers: take the shards there, and bring others' here.

    nanogpt     train.bin, val.bin                  16-bit ids and nothing else; documents end at the end token
    megatron    train.bin + .idx, held_out.bin …    Megatron-LM's indexed dataset, version 1
    datatrove   train.ds + .ds.index + .ds.metadata …

None of them knows what a document is called, so an export writes a Parquet table beside each file
(`train.documents.parquet`) with the ids, addresses, sources, languages and clusters. An import that finds it gives back
the very shards, byte for byte; one that does not names documents by file and number.
"""

from corpuskit.exchange.export import export_shards
from corpuskit.exchange.foreign import Format
from corpuskit.exchange.formats import FORMATS
from corpuskit.exchange.importing import import_shards

__all__ = ["FORMATS", "Format", "export_shards", "import_shards"]
