"""`makiserve --input … --output …`: load, check, serve."""

from __future__ import annotations

import logging

from makiserve.packaging import check_reference, load
from makiserve.serving import serve
from makiserve.settings import BrokerSettings, ModelSettings, ServeSettings

logger = logging.getLogger(__name__)


def serve_topic(what: ModelSettings, broker: BrokerSettings, settings: ServeSettings) -> None:
    """Load the model, hold it against its reference records, and serve it until a signal asks to stop."""
    model = load(what.model)
    for difference in model.differences:
        logger.warning("environment: %s", difference)
    check_reference(model)
    logger.info("%s gives its %d reference outputs", what.model, len(model.reference.outputs))
    serve(model, broker, settings)
