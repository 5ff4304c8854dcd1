"""Fuzzing of every parser with fixed seeds; `make fuzz` runs it.

    python benchmarks/fuzz.py [--count 10000] [--seed 14] [--only png dicom] [--keep FOLDER]

Each parser is given that many changed files (fewer where one takes long), in a process with limits on memory and time.
Whatever ends in neither an answer nor a sentence is listed, and kept where a folder is named; the exit code is then 1.
The same seed gives the same files. The parsers are those of `tests/fuzzing`.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from fuzzing.campaign import campaign
from fuzzing.registry import NAMES, parser_of


def main() -> None:
    """Read the options, try, print."""
    options = argparse.ArgumentParser(description="Fuzz every parser.")
    options.add_argument("--count", type=int, default=10_000, help="items of a parser")
    options.add_argument("--seed", type=int, default=14)
    options.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="PARSER")
    options.add_argument("--keep", type=Path, help="folder for the items that failed")
    chosen = options.parse_args()
    total = failed = 0
    print("| parser | tried | answered | refused | failures | slowest s | most MiB |\n|---|---|---|---|---|---|---|")
    start = time.monotonic()
    for name in chosen.only:
        count = max(1, int(chosen.count * parser_of(name).share))
        tally = campaign(parser_of, name, chosen.seed, count)
        failures = len(tally.failures)
        total, failed = total + count, failed + failures
        counts = f"{count} | {tally.answered} | {tally.refused} | {failures}"
        print(f"| {name} | {counts} | {tally.seconds:.1f} | {tally.mebibytes:.0f} |", flush=True)
        for failure in tally.failures:
            print(f"{name} {failure.item}: {failure.what}", file=sys.stderr, flush=True)
            if chosen.keep:
                chosen.keep.mkdir(parents=True, exist_ok=True)
                (chosen.keep / f"{name}-{failure.item}").write_bytes(failure.data)
    print(f"\nseed {chosen.seed}: {total} tried, {failed} failures, {time.monotonic() - start:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
