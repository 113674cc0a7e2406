"""Serving on a real broker: makiserve, a loop by hand and Quix Streams, in turn, each a process of its own."""


def run() -> None:
    """Throughput, latency and restoring, as tables."""
    # Not at the top: contenders import this package in an environment without makiserve.
    from benchmarks.serving import contest

    contest.main()
