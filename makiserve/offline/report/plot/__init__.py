"""Plots as SVG text: light enough for a page that stands alone, coloured by the page's variables."""
