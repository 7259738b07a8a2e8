"""Compares samplers and pruners at equal training time in helpers.tuning_table:

    python data/tuning/compare.py

It writes comparison.json beside this file, in a few minutes. Each search has as many
processor seconds as 40 full trainings cost on average, and what it had found after 5,
10, 20 and 40 is recorded. The same command gives the same numbers.

The Gaussian process needs PyTorch, which the course does not install. Without it, its
recorded searches are kept if they were made with the same table and the same Optuna,
and left out otherwise.

`--try` makes two short searches of each kind, and keeps nothing unless told where.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import warnings
from datetime import date
from pathlib import Path

import optuna
from tqdm import tqdm

from helpers import tuning_table
from helpers.files import write_file
from helpers.handwriting.simulator import in_processes

FOLDER = Path(__file__).resolve().parent
PROCESSES = 2
BUDGETS = (5, 10, 20, 40)
"""In mean full trainings."""

GP = "Gaussian process"

SAMPLERS = {
    "random": optuna.samplers.RandomSampler,
    # Optuna's default: parameters are modelled together ("multivariate").
    "TPE": optuna.samplers.TPESampler,
    "TPE, univariate": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=False),
    GP: lambda seed: optuna.samplers.GPSampler(seed=seed),
}

PRUNERS = {
    "none": lambda: None,
    # The first five trials are trained to the end, and all for two epochs at least.
    "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2),
    # Halving by three after 1 and 3 (and 9) epochs, in three brackets.
    "Hyperband": lambda: optuna.pruners.HyperbandPruner(
        min_resource=1, max_resource=tuning_table.EPOCHS, reduction_factor=3
    ),
}

SEEDS = {name: 30 if name == GP else 100 for name in SAMPLERS}


def one_search(sampler, pruner, seed, budgets=BUDGETS):
    """One search: what it had found at each budget, as a row of the record.

    `winner` is the table's row of the best trial, `validation` and `test` are its
    accuracies, `regret` is what the best point of the table has more on validation;
    None where no trial had finished.
    """
    table = tuning_table.load()
    unit = tuning_table.full_training()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = tuning_table.run(
            SAMPLERS[sampler](seed=seed),
            PRUNERS[pruner](),
            max(budgets) * unit,
            name=f"seed {seed}",
        )
    winners = [tuning_table.best_row(study, budget * unit) for budget in budgets]
    final = table.accuracy[:, -1].astype(float)

    def each(score):
        return [None if w is None else round(float(score(w)), 4) for w in winners]

    return {
        "sampler": sampler,
        "pruner": pruner,
        "seed": seed,
        "trials": len(study.trials),
        "winner": winners,
        "validation": each(lambda w: final[w]),
        "test": each(lambda w: table.test[w].mean()),
        "regret": each(lambda w: final.max() - final[w]),
    }


def torch_version():
    """PyTorch's version, or None where it is not installed."""
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return None


def recorded(digest):
    """Searches by Gaussian process in the record, and the PyTorch that made them.

    None where the table or Optuna has changed since, or where there are none.
    """
    try:
        text = (FOLDER / "comparison.json").read_text(encoding="utf-8")
        record = json.loads(text)
        same = (
            record["sha256 of the table"] == digest
            and record["versions"]["optuna"] == optuna.__version__
        )
        rows = [row for row in record["searches"] if row["sampler"] == GP]
        return (rows, record["versions"]["torch"]) if same and rows else None
    except (OSError, ValueError, KeyError):
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--try", dest="short", action="store_true")
    parser.add_argument("--to", type=Path, help="another folder for the result")
    options = parser.parse_args()

    record = tuning_table.FOLDER / "tuning_table.json"
    digest = json.loads(record.read_text(encoding="utf-8"))["sha256"]
    budgets = BUDGETS[:1] if options.short else BUDGETS
    torch, kept = torch_version(), None
    if torch is None:
        kept = recorded(digest)
        print(
            "PyTorch is not installed: the Gaussian process's searches are "
            + ("kept as recorded." if kept else "left out.")
        )
    # For the worker processes: small matrices gain nothing from more threads.
    os.environ["OMP_NUM_THREADS"] = "1"
    jobs = [
        (sampler, pruner, seed, budgets)
        for sampler, seeds in SEEDS.items()
        if sampler != GP or torch
        for pruner in PRUNERS
        for seed in range(2 if options.short else seeds)
    ]
    searches = in_processes(one_search, jobs, PROCESSES)
    found = list(tqdm(searches, total=len(jobs), desc="Searching", unit="search"))
    if kept:
        rows, torch = kept
        found += rows

    header = {
        "what": "searches in data/tuning/tuning_table.npz at equal training time; "
        "simulated handwriting, not CASIA",
        "made by": "python data/tuning/compare.py",
        "date": date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "optuna": optuna.__version__,
            **{name: importlib.metadata.version(name) for name in ("numpy", "scipy")},
            "torch": torch,
        },
        "sha256 of the table": digest,
        "budgets in mean full trainings": budgets,
        "processor seconds of a mean full training": round(tuning_table.full_training(), 3),
        "best validation accuracy in the table": round(
            float(tuning_table.load().accuracy[:, -1].max()), 4
        ),
        "seeds": {
            name: len({r["seed"] for r in found if r["sampler"] == name}) for name in SAMPLERS
        },
    }
    print(json.dumps(header, indent=1))
    to = options.to or (None if options.short else FOLDER)
    if to is None:
        return
    # One search a line.
    lines = ",\n".join("  " + json.dumps(row) for row in found)
    text = json.dumps(header, indent=1).removesuffix("\n}")
    with write_file(to / "comparison.json") as partial:
        partial.write_text(f'{text},\n "searches": [\n{lines}\n ]\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    # By its name, under which worker processes import it too.
    import compare

    compare.main()
