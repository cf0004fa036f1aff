"""Drawing: pieces of HTML pages, charts as SVG, and what a run's folder tells as plain values."""
