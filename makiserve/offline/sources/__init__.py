"""The sources of a replay: files, topics, or records in memory. Each source is one ordered stream."""

from makiserve.offline.sources.find import Given, sources_from, sources_named
from makiserve.offline.sources.source import Block, Source
from makiserve.offline.sources.topic import TopicSpan

__all__ = ["Block", "Given", "Source", "TopicSpan", "sources_from", "sources_named"]
