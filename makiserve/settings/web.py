"""Where a service shows itself."""

from makiserve.settings.section import Section, option


class WebSettings(Section, table="web"):
    """Web pages: health, metrics, status."""

    http: str | None = option(
        default=None,
        help="Where the status page, /healthz, /readyz and /metrics are, or off; unless given it is 127.0.0.1:8080, or "
        "any free port where that is taken.",
        metavar="HOST:PORT|off",
    )
