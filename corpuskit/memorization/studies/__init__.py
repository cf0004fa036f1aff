"""Studies run whole recipes several times and compare what their models memorised. They are a layer above `recipe`."""
