"""Where the records of a replay come from: files, a topic, a notebook's own; each source one ordered stream."""

from makiserve.replaying.sources.find import Given, sources_from, sources_named
from makiserve.replaying.sources.source import Block, Source
from makiserve.replaying.sources.topic import TopicSpan

__all__ = ["Block", "Given", "Source", "TopicSpan", "sources_from", "sources_named"]
