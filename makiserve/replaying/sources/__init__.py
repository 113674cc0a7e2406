"""Where the records of a replay come from: files, a topic, a notebook's own; each source one ordered stream."""

from makiserve.replaying.sources.find import Given, sources_from
from makiserve.replaying.sources.source import Block, Source

__all__ = ["Block", "Given", "Source", "sources_from"]
