"""What pages, feeds and archives say of a document, as candidates with their sources, and one decision for each fact."""
