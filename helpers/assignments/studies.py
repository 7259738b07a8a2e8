"""Data and measures of graded assignment 7, a study with a budget.

Characters by simulated writers and a search space, both drawn for each student; and what the
tests read from the file of a study: its trials as plain data, the space that they were asked
from, and whether the pruned ones had to be.
"""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.handwriting.writers import Writer

ASSIGNMENT = "7_study_with_a_budget"

SHAPE = (32, 24)
"""Height and width of the images."""

GROUPS = (("大夫天太犬", 2), ("因国囡", 2))
PAIRS = ("日白", "王玉")
"""A student has two characters of each group, and a pair: equally difficult for all."""

WRITERS = {"": (20, 2), "_val": (15, 2), "_new": (20, 2), "_hidden": (40, 2)}
"""{part: (writers, images of each character by each)}; no writer is in two parts."""

TRIALS, EPOCHS, STARTUP = 20, 10, 4
"""Trials of a study, epochs of a trial, trials before the pruner begins."""

NAME = "budget"
"""Of the study in its file."""

# --- What is drawn for a student ------------------------------------------------------


def draw(draws):
    """Everything of assignment 7 that is drawn for a student."""
    characters = [c for group, count in GROUPS for c in draws.sample(group, count)]
    characters += draws.choose(PAIRS)
    characters = sorted(characters, key=lambda _: draws.whole(0, 2**64))
    seed, first, parts = draws.whole(0, 2**31 - 1), 0, {}
    for part, (count, samples) in WRITERS.items():
        images = [
            (small(writer.write(character, sample)), label, number)
            for number in range(first, first + count)
            for writer in [Writer(seed, number, messiness=0.93)]
            for label, character in enumerate(characters)
            for sample in range(samples)
        ]
        before = "_" if part == "_hidden" else ""
        X, y, writers = map(np.array, zip(*images, strict=True))
        parts |= {f"{before}X{part}": X[..., None], f"{before}y{part}": y}
        parts[f"{before}writer{part}"] = writers
        first += count
    space = _space(draws)
    numbers = {
        "first_seed": 100 * draws.whole(1, 90),
        "sampler_seed": draws.whole(1, 10_000),
        "warmup": draws.whole(1, 3),
        "fresh_seeds": draws.sample(range(10_000, 10_100), 3),
    }
    return parts | numbers | {"characters": characters, "space": space, "_probe": _probe(space)}


def _space(draws):
    """{hyperparameter: what is asked for}; the last one depends on the one before it."""
    space = {
        "learning_rate": {
            "kind": "float",
            "low": draws.choose((2e-4, 3e-4, 4e-4)),
            "high": draws.choose((1e-2, 2e-2, 3e-2)),
            "log": True,
        },
        "blocks": {"kind": "int", "low": 1, "high": 3, "step": 1},
        "filters": {
            "kind": "int",
            "low": draws.choose((4, 8)),
            "high": draws.choose((24, 28, 32)),
            "step": 4,
        },
    }
    switch, choices, name, lows, highs = draws.choose(
        (
            ("end", ["mean", "flatten"], "dropout", (0.0, 0.05, 0.1), (0.4, 0.5, 0.6)),
            ("augment", ["no", "shift"], "shift", (0.01, 0.02, 0.03), (0.08, 0.1, 0.12)),
            ("norm", ["none", "batch"], "momentum", (0.5, 0.6, 0.7), (0.9, 0.95, 0.98)),
        )
    )
    space[switch] = {"kind": "categorical", "choices": choices}
    space[name] = {
        **{"kind": "float", "low": draws.choose(lows), "high": draws.choose(highs)},
        **{"log": False, "where": [switch, choices[1]]},
    }
    return space


def _probe(space):
    """Parameters that a test trains with: two blocks, and the switch on."""
    *_, switch, last = space
    low, step = space["filters"]["low"], space["filters"]["step"]
    return {
        **{"learning_rate": 3e-3, "blocks": 2, "filters_0": low, "filters_1": low + step},
        **{switch: space[switch]["choices"][1]},
        **{last: (space[last]["low"] + space[last]["high"]) / 2},
    }


def small(page):
    """A page (height, width) uint8, resized to SHAPE."""
    resized = Image.fromarray(page).resize(SHAPE[::-1], Image.Resampling.LANCZOS)
    return np.asarray(resized)


# --- Studies --------------------------------------------------------------------------


def plain(study):
    """The trials of an Optuna study as plain data, in their order: a list of dictionaries."""
    return [
        {
            "number": trial.number,
            "state": trial.state.name,
            "value": trial.value,
            "params": dict(trial.params),
            "distributions": {n: _plain(d) for n, d in trial.distributions.items()},
            "curve": [trial.intermediate_values[k] for k in sorted(trial.intermediate_values)],
            "seed": trial.user_attrs.get("seed"),
        }
        for trial in study.trials
    ]


def _plain(distribution):
    kind = type(distribution).__name__.removesuffix("Distribution").lower()
    if kind == "categorical":
        return {"kind": kind, "choices": list(distribution.choices)}
    found = {name: getattr(distribution, name) for name in ("low", "high", "log")}
    return {"kind": kind, **found, "step": distribution.step}


def load(content):
    """The Optuna study in the bytes of an SQLite file.

    Raises AssertionError, one sentence, where there is none. Only a process that may be lost
    should call it, for the bytes are a student's.
    """
    import optuna

    if not isinstance(content, bytes) or not content.startswith(b"SQLite format 3"):
        raise AssertionError("study.db is not an SQLite file")
    folder = Path(tempfile.mkdtemp())
    (folder / "study.db").write_bytes(content)
    try:
        url = f"sqlite:///{(folder / 'study.db').as_posix()}"
        return optuna.load_study(study_name=NAME, storage=url)
    except Exception as error:
        raise AssertionError(f"study.db has no study called {NAME!r}") from error


def finished(trials):
    """How many trials are complete or pruned."""
    return sum(trial["state"] in ("COMPLETE", "PRUNED") for trial in trials)


def best_of(trials):
    """The complete trial with the largest value."""
    complete = [trial for trial in trials if trial["state"] == "COMPLETE"]
    if not complete:
        raise AssertionError("no trial is complete")
    return max(complete, key=lambda trial: trial["value"])


def expected(space, params):
    """The distributions that a trial with these parameters has to have asked from."""
    found = {}
    for name, asked in space.items():
        if name == "filters":
            found |= {f"filters_{k}": asked for k in range(params.get("blocks", 0))}
        elif "where" not in asked or params.get(asked["where"][0]) == asked["where"][1]:
            found[name] = asked
    return found


def asked_rightly(space, trial, names=None):
    """Raise AssertionError unless a trial was asked from this space.

    names: only these hyperparameters (as they begin); None: all, and no others.
    """
    wanted = expected(space, trial["params"])
    if names is None and set(trial["distributions"]) != set(wanted):
        found = sorted(trial["distributions"])
        raise AssertionError(f"trial {trial['number']} has {found}, not {sorted(wanted)}")
    for name, asked in wanted.items():
        if names is not None and not name.startswith(tuple(names)):
            continue
        found = trial["distributions"].get(name)
        if found is None:
            raise AssertionError(f"trial {trial['number']} has no {name}")
        for key in ("kind", "low", "high", "log", "choices", "step"):
            if key in asked and found.get(key) != asked[key]:
                raise AssertionError(f"{name}: {key} is {found.get(key)}, not {asked[key]}")


def nothing_else(space, trial):
    """Raise AssertionError where a trial has a name that it does not need; ranges do not matter."""
    more = sorted(set(trial["distributions"]) - set(expected(space, trial["params"])))
    if more:
        raise AssertionError(f"trial {trial['number']} asks for {', '.join(more)} without need")


def said_of(space, trials):
    """{name in a space, or "nothing else": a sentence on what trials have asked for}."""
    found = {}
    for name in [*space, "nothing else"]:
        found[name] = "as your space has it"
        try:
            for trial in trials:
                if name in space:
                    asked_rightly(space, trial, [name])
                else:
                    nothing_else(space, trial)
        except AssertionError as error:
            found[name] = f"WRONG: {error}"
    return found


def asked_alike(trial, others):
    """Raise AssertionError unless one of `others` has the same names, from the same ranges."""
    if trial["distributions"] not in [other["distributions"] for other in others]:
        raise AssertionError(f"trial {trial['number']} is none of your suggest")


def should_be_pruned(trial, before, warmup):
    """The epoch at whose end the median rule stops a trial, from 0; None if it never does.

    The rule of optuna.pruners.MedianPruner(STARTUP, warmup) for what is to be maximised:
    stop where the best value so far is below the median of what complete trials had here.
    """
    complete = [other for other in before if other["state"] == "COMPLETE"]
    if len(complete) < STARTUP:
        return None
    for epoch in range(warmup, len(trial["curve"])):
        others = [t["curve"][epoch] for t in complete if len(t["curve"]) > epoch]
        if others and max(trial["curve"][: epoch + 1]) < np.median(others):
            return epoch
    return None


def wrongly_pruned(trials, warmup):
    """Numbers of trials that went on where they should have stopped, or the other way round."""
    wrong = []
    for place, trial in enumerate(trials):
        epoch = should_be_pruned(trial, trials[:place], warmup)
        ended = len(trial["curve"]) - 1
        pruned = trial["state"] == "PRUNED"
        if (
            pruned != (epoch is not None)
            or pruned
            and epoch != ended
            or not pruned
            and ended != EPOCHS - 1
        ):
            wrong.append(trial["number"])
    return wrong


def importances(study):
    """{hyperparameter: share}, by PED-ANOVA on the best 30 % of the trials."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    evaluator = PedAnovaImportanceEvaluator(target_quantile=0.3)
    return get_param_importances(study, evaluator=evaluator)


# --- Networks -------------------------------------------------------------------------


def accuracy(model, X, y):
    """The share of images whose largest output is that of their class.

    Raises AssertionError, one sentence, for what cannot read them.
    """
    return float(right(model, X, y).mean())


def right(model, X, y):
    """Which images a model reads right: (n,) booleans."""
    if not hasattr(model, "get_config"):
        raise AssertionError(f"a Keras model is needed, not a {type(model).__name__}")
    try:
        outputs = np.asarray(model(np.asarray(X, "float32"), training=False))
    except (ValueError, TypeError) as error:
        raise AssertionError("the model cannot read images of shape (n, 32, 24, 1)") from error
    if outputs.shape != (len(X), 6):
        raise AssertionError(f"for {len(X)} images the model gives {outputs.shape}")
    return outputs.argmax(axis=1) == np.asarray(y)


def layers_of(model, kind):
    """The layers of a model of this kind, by the name of their class."""
    return [layer for layer in model.layers if type(layer).__name__ == kind]


def built_as(model, params):
    """Raise AssertionError, one sentence, unless a network has the layers of these parameters."""
    if not hasattr(model, "get_config"):
        raise AssertionError(f"a Keras model is needed, not a {type(model).__name__}")
    blocks = range(params["blocks"])
    batch = len(blocks) if params.get("norm") == "batch" else 0
    wanted = {
        ("Conv2D", "filters"): [params[f"filters_{k}"] for k in blocks],
        ("MaxPooling2D", None): [None for _ in blocks],
        ("GlobalAveragePooling2D", None): [None] * (params.get("end") == "mean"),
        ("Dropout", "rate"): [params["dropout"]] if params.get("end") == "flatten" else [],
        ("RandomTranslation", "height_factor"): (
            [params["shift"]] if params.get("augment") == "shift" else []
        ),
        ("BatchNormalization", "momentum"): [params["momentum"]] * batch if batch else [],
        ("Dense", "units"): [6],
    }
    for (kind, about), values in wanted.items():
        found = [about and np.max(getattr(each, about)) for each in layers_of(model, kind)]
        if len(found) != len(values):
            raise AssertionError(f"{len(found)} layers {kind}, not {len(values)}")
        if about and not np.allclose(found, values, rtol=0, atol=1e-6):
            raise AssertionError(f"{kind}: {about} is not what the parameters say")


def lies_in(space, params):
    """Raise AssertionError, one sentence, unless parameters are a point of this space."""
    wanted = expected(space, params)
    if set(params) != set(wanted):
        raise AssertionError(f"{sorted(params)} are not {sorted(wanted)}")
    for name, asked in wanted.items():
        value = params[name]
        if "choices" in asked:
            inside = value in asked["choices"]
        else:
            inside = asked["low"] <= value <= asked["high"]
        if not inside:
            raise AssertionError(f"{name}: {value} is not in your space")


def same_answers(model, other, X):
    """Whether two networks give nearly all images the same class."""
    first, second = (
        np.asarray(m(np.asarray(X, "float32"), training=False)) for m in (model, other)
    )
    return bool((first.argmax(axis=1) == second.argmax(axis=1)).mean() > 0.9)


def by_writer(differences, writer):
    """The mean of each writer's images: an array with a number for each writer."""
    differences, writer = np.asarray(differences, float), np.asarray(writer)
    return np.array([differences[writer == number].mean() for number in np.unique(writer)])
