"""A house's electricity consumption, from its meter and the weather."""
