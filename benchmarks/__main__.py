"""All measured promises: `./run python -m benchmarks [--quick] [--database sqlite|postgresql] [WHAT ...]`."""

import argparse

from benchmarks import deliveries, fan_out, fire, imports, over_http, pages, reminders, reports, scale, streams
from benchmarks.databases import KINDS
from tests.servers import Unavailable

WHAT = ("fire", "http", "scale", "fan_out", "imports", "deliveries", "reminders", "streams", "reports", "pages")


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("what", nargs="*", metavar="WHAT", help=f"some of {', '.join(WHAT)}; default: all")
    options.add_argument("--quick", action="store_true", help="fewer rounds and rows: figures are rough then")
    options.add_argument("--database", choices=KINDS, help="this one only")
    asked = options.parse_args()
    kinds = [asked.database] if asked.database else KINDS
    wanted = asked.what or WHAT
    if "fire" in wanted:
        fire.main()
    for kind in kinds:
        try:
            if "http" in wanted:
                over_http.run(kind, rounds=2 if asked.quick else 5)
            if "scale" in wanted:
                scale.run(kind, quick=asked.quick)
            if "fan_out" in wanted:
                fan_out.run(kind, rounds=3 if asked.quick else 7)
            if "imports" in wanted:
                imports.run(kind, quick=asked.quick)
            if "deliveries" in wanted:
                deliveries.run(kind, quick=asked.quick)
            if "reminders" in wanted:
                reminders.run(kind, quick=asked.quick)
            if "streams" in wanted:
                streams.run(kind, rounds=2 if asked.quick else 5)
            if "reports" in wanted:
                reports.run(kind, quick=asked.quick)
            if "pages" in wanted:
                pages.run(kind, quick=asked.quick)
        except Unavailable as reason:
            print(f"\n{kind}: not measured, {reason}")


if __name__ == "__main__":
    main()
