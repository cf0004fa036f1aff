"""Compiled loops over Arrow buffers. Nothing here knows what a document is."""
