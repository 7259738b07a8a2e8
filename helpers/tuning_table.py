"""A table of measured trainings, in which samplers and pruners search in seconds.

    study = optuna.create_study(direction=tuning_table.DIRECTION)
    study.optimize(tuning_table.objective, n_trials=30)

The CNN of notebook 06 was trained once at every point of SPACE, on a small simulated
data set, by data/tuning/measure.py. A trial looks up what its training gave and what
it cost, so a search of hours takes seconds, and searches can be compared over many
seeds. The idea: A. Klein and F. Hutter (2019), Tabular benchmarks for joint
architecture and hyperparameter optimization, arXiv:1905.04970.

One point is one training with one seed. A second trial of a point costs its seconds
again and gives the same accuracy, as retraining with that seed would.
"""

import functools
import hashlib
import io
import itertools
import json
import math
import zipfile
from typing import NamedTuple

import numpy as np
import optuna

from helpers.files import COURSE, CourseError

DIRECTION = "maximize"

SPACE = {
    "log10_rate": [-4 + step / 4 for step in range(11)],  # -4, -3.75, ..., -1.5
    "log2_filters": [2, 3, 4],
    "units": [32, 128],
    "dropout": [0.0, 0.5],
    "batch_size": [32, 128],
}
"""Every value of every parameter. The learning rate (of Adam) is 10 to the power of
`log10_rate`; the three convolutions have 1, 2 and 4 times 2 to the power of
`log2_filters` filters; `units` are those of the hidden dense layer, and `dropout`
comes after it."""

ROWS = tuple(dict(zip(SPACE, values, strict=True)) for values in itertools.product(*SPACE.values()))
"""The parameters of each row of the table."""

EPOCHS = 10

IMAGES = {"validation": 550, "test": 1100}
"""Images on which each network was tried; no writer is in two parts."""

FOLDER = COURSE / "data" / "tuning"


class Table(NamedTuple):
    """What was measured, a row for each point of SPACE, in the order of ROWS."""

    accuracy: np.ndarray
    """(points, EPOCHS) float32: on the validation images, after each epoch."""
    seconds: np.ndarray
    """(points, EPOCHS) float32: processor seconds of each epoch, validation included.
    The first also holds the building of the network."""
    diverged: np.ndarray
    """(points,) bool: whether the loss became NaN; the accuracy is chance then."""
    validation: np.ndarray
    """(points, 550) bool: images classified correctly after the last epoch."""
    test: np.ndarray
    """(points, 1100) bool: the same on the test images."""


@functools.cache
def load(folder=FOLDER) -> Table:
    """The table, checked against its record; the same read-only arrays each time.

    Raises CourseError when a file is missing, damaged or not the recorded one.
    """
    file, record = folder / "tuning_table.npz", folder / "tuning_table.json"
    try:
        content = file.read_bytes()
        about = json.loads(record.read_text(encoding="utf-8"))
        if hashlib.sha256(content).hexdigest() != about["sha256"]:
            raise ValueError("it is not the one that its record describes")
        if about["space"] != SPACE:
            raise ValueError("it has another space than this helper")
        with np.load(io.BytesIO(content)) as kept:
            arrays = {name: kept[name] for name in kept.files}
        for part, count in IMAGES.items():
            bits = arrays.pop(f"{part}_bits")
            arrays[part] = np.unpackbits(bits, axis=1, count=count).astype(bool)
        table = Table(**arrays)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        zipfile.BadZipFile,
    ) as error:
        reason = getattr(error, "strerror", None) or error
        raise CourseError(
            f"The table of trainings in {folder} cannot be used ({reason}): get "
            "tuning_table.npz and tuning_table.json again from the course's repository, or "
            "make them with `python data/tuning/measure.py`."
        ) from error
    for array in table:
        array.flags.writeable = False
    return table


def index(params) -> int:
    """The table's row for these parameters, as in `index(study.best_params)`.

    Raises CourseError for a parameter or a value that SPACE does not have.
    """
    if set(params) != set(SPACE):
        raise CourseError(
            f"The table's parameters are {', '.join(SPACE)}, but these are "
            f"{', '.join(map(str, params)) or 'none'}: give each of the table's once."
        )
    places = []
    for name, values in SPACE.items():
        if params[name] not in values:
            raise CourseError(
                f"{name} = {params[name]!r} was not measured: choose one of "
                f"{', '.join(map(str, values))}."
            )
        places.append(values.index(params[name]))
    shape = [len(values) for values in SPACE.values()]
    return int(np.ravel_multi_index(places, shape))


def suggest(trial) -> dict:
    """Ask an Optuna trial for a point of SPACE.

    Rates and filters are steps on a line, so that samplers see which are neighbours;
    where there are only two values, that makes no difference.
    """
    rates, filters = SPACE["log10_rate"], SPACE["log2_filters"]
    return {
        "log10_rate": trial.suggest_float(
            "log10_rate", rates[0], rates[-1], step=rates[1] - rates[0]
        ),
        "log2_filters": trial.suggest_int("log2_filters", filters[0], filters[-1]),
        **{
            name: trial.suggest_categorical(name, SPACE[name])
            for name in ("units", "dropout", "batch_size")
        },
    }


def objective(trial) -> float:
    """Validation accuracy after EPOCHS epochs, in [0, 1]; larger is better.

    Reports the accuracy after each epoch (steps 1 to EPOCHS) and sets the trial's
    user attribute "seconds": the processor seconds that were trained until the trial
    ended. Raises optuna.TrialPruned when the study's pruner asks for it, but not
    after the last epoch, when there is nothing left to save.
    """
    row, table = index(suggest(trial)), load()
    spent = table.seconds[row].cumsum(dtype=float)
    for epoch in range(1, EPOCHS + 1):
        trial.report(float(table.accuracy[row, epoch - 1]), epoch)
        if epoch < EPOCHS and trial.should_prune():
            trial.set_user_attr("seconds", float(spent[epoch - 1]))
            raise optuna.TrialPruned
    trial.set_user_attr("seconds", float(spent[-1]))
    return float(table.accuracy[row, -1])


def full_training() -> float:
    """Mean processor seconds of one training to the end: a unit for budgets."""
    return float(load().seconds.sum(axis=1, dtype=float).mean())


def run(sampler, pruner, seconds, name="search") -> optuna.Study:
    """One in-memory study, run until its trials have cost `seconds` or more.

    pruner: None for none. name: Hyperband shares out trials by it, so the same
    sampler, seed, pruner and name give the same study.
    Raises CourseError unless `seconds` is a positive number.
    """
    if not 0 < seconds < math.inf:
        raise CourseError(
            f"A search for {seconds} seconds never ends or never begins: give a positive number."
        )
    spent = 0.0

    def stop_when_spent(study, trial):
        nonlocal spent
        spent += trial.user_attrs["seconds"]
        if spent >= seconds:
            study.stop()

    loud = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            study_name=name,
            direction=DIRECTION,
            sampler=sampler,
            pruner=pruner or optuna.pruners.NopPruner(),
        )
        study.optimize(objective, callbacks=[stop_when_spent])
    finally:
        optuna.logging.set_verbosity(loud)
    return study


def best_row(study, seconds=math.inf) -> int | None:
    """The table's row of the best trial within `seconds`; None if none finished.

    The best has the highest final accuracy. The trial that crosses the budget does not
    count: there was no time to finish it. A pruned trial costs its seconds and can
    never be the best.
    """
    best, row, spent = math.nan, None, 0.0
    for trial in study.get_trials(deepcopy=False):
        spent += trial.user_attrs.get("seconds", 0.0)
        if spent > seconds:
            break
        finished = trial.state == optuna.trial.TrialState.COMPLETE
        if finished and not trial.value <= best:
            best, row = trial.value, index(trial.params)
    return row
