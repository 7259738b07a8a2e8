"""All benchmarks, as one table: each against its plain reference or its budget.

    python tests/benchmarks/run.py [loader] [simulator] [cache] [training] [notebooks]
                                   [sim_to_real]

Without names, all of them: most of an hour on a quiet machine with two cores, nearly all
of it for the notebooks. Only the ratios of one run mean something; seconds differ from
machine to machine. `sim_to_real` reports accuracies, not seconds. It is a report: no test
and no CI depends on it.
"""

import importlib
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

NAMES = ("loader", "simulator", "cache", "training", "notebooks", "sim_to_real")


def processor():
    """The processor's name, where the system tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line for line in text.splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


def main(names):
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}.")
    print(f"{processor()}, {os.cpu_count()} cores, {platform.system()}", end=", ")
    print(f"Python {platform.python_version()}\n")
    print(f"{'what':34}{'reference':>11}{'ours':>11}{'ratio':>8}  note")
    for name in names or NAMES:
        module = importlib.import_module(f"tests.benchmarks.bench_{name}")
        scores = getattr(module, "SCORES", False)  # accuracies: more is better
        unit = "  " if scores else " s"
        for what, reference, ours, note in module.run():
            ratio = ours / reference if scores else reference / ours
            print(
                f"{what:34}{reference:9.3f}{unit}{ours:9.3f}{unit}{ratio:7.2f}x  {note}",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
