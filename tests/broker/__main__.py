"""`python -m tests.broker [nodes]`: a broker until Ctrl-C, its bootstrap servers on stdout."""

import signal
import sys
import tempfile
from pathlib import Path

from tests.broker.kafka import KafkaServer, install


def main() -> None:
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    stop_signals = {signal.SIGINT, signal.SIGTERM}
    with (
        tempfile.TemporaryDirectory(prefix="kafka-") as directory,
        KafkaServer(install(), Path(directory), nodes=nodes) as server,
    ):
        signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
        print(server.bootstrap_servers, flush=True)  # noqa: T201
        signal.sigwait(stop_signals)


if __name__ == "__main__":
    main()
