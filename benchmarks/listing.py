"""What a web site has of 150 months: asked for at once, against one month after the other.

Claim: at least 8 times faster, with one HEAD a month and no download on either side.

A server of this machine has the months, and answers each request after a pause, as one at some
distance does. Before anything is measured, both sides are compared: they must see the same months in
the same versions.

    .venv/bin/python benchmarks/listing.py [--pause MILLISECONDS] [--rounds N]

Prints the seconds of every round, each side's median, the requests of a look, and on the last line
the ratio: the median over the rounds of the time of one after the other divided by ours.
"""

import argparse
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from alternate import alternate, ratio, timed, verdict

from taxi_assets.trips.months import month_range
from taxi_assets.trips.source import FILE_NAME, TripSource, open_source

MONTHS = month_range("2012-01", "2024-06")
CLAIM = 8.0


@dataclass
class Site:
    """A running site, and the requests it had, by method."""

    address: str = ""
    requests: Counter[str] = field(default_factory=Counter)


@contextmanager
def running_site(pause: float) -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            site.requests[self.command] += 1
            time.sleep(pause)
            self.send_response(200)
            self.send_header("ETag", f'"{self.path}"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 64
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        site.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield site
        server.shutdown()


def at_once(source: TripSource) -> dict[str, str]:
    return source.published(MONTHS[0], MONTHS[-1])


def one_after_the_other(source: TripSource) -> dict[str, str]:
    return {month: fingerprint for each in MONTHS for month, fingerprint in source.published(each, each).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="What a site has of 150 months, at once and one after the other.")
    parser.add_argument("--pause", type=float, default=20.0, help="milliseconds before each answer")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()

    os.environ["NO_PROXY"] = "127.0.0.1"
    with running_site(options.pause / 1000) as site:
        source = open_source(
            f"{site.address}/{FILE_NAME}", "green", sample_months="2024-01", sample_rows=1, sample_seed=1, attempts=1
        )
        if list(at_once(source)) != MONTHS or at_once(source) != one_after_the_other(source):
            raise SystemExit("listing: the two sides do not see the same months")
        site.requests.clear()
        measured = alternate(
            {
                "one after the other": lambda: timed(one_after_the_other, source),
                "at once": lambda: timed(at_once, source),
            },
            options.rounds,
        )
        looks = 2 * options.rounds
    requests = {method: number / looks for method, number in site.requests.items()}
    print(f"requests of a look at {len(MONTHS)} months: {', '.join(f'{n:g} {name}' for name, n in requests.items())}")
    faster = ratio(measured)
    holds = faster >= CLAIM and requests == {"HEAD": len(MONTHS)}
    print(
        f"listing: {faster:.1f} times faster than one after the other, at {options.pause:g} ms an answer; "
        f"claim: at least {CLAIM:g}: {verdict(holds)}"
    )


if __name__ == "__main__":
    main()
