"""Serving on a real broker: makiserve, a loop by hand, Quix Streams and Faust in turn, each in a separate process."""


def run() -> None:
    """Print tables of throughput, latency and restore time."""
    # Imported here because contestants import this package in an environment without makiserve.
    from benchmarks.serving import contest

    contest.main()
