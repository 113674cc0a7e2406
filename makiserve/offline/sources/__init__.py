"""Where the records of a replay come from: files, a topic, a notebook's own; each source one ordered stream."""

from makiserve.offline.sources.find import Given, sources_from, sources_named
from makiserve.offline.sources.source import Block, Source
from makiserve.offline.sources.topic import TopicSpan

__all__ = ["Block", "Given", "Source", "TopicSpan", "sources_from", "sources_named"]
