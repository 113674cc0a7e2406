"""Plots as SVG text: small enough for a self-contained page, and coloured by the page's CSS variables."""
