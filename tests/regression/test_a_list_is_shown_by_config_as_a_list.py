"""`makiserve config` showed an empty list as the text "()", which read back was a list with that text in it."""

from makiserve.settings import SECTIONS, ModelSettings, Settings, options


def test_config_shows_an_empty_list_as_a_list() -> None:
    emit = next(option for option in options(ModelSettings) if option.is_list)
    assert Settings(SECTIONS).shown(emit) == {"": ((), "default")}
