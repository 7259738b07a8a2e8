"""The training cache: what is reused, what is not, and bad or missing files.

Most tests replace the training itself by a stand-in that only counts, because
they ask whether a call would train; those that ask what comes out train for
real.
"""

import errno
import functools
import json
import os
import pickle
import re
import subprocess
import sys
import time
import types
import warnings

import numpy as np
import pandas as pd
import pytest

from helpers import training
from helpers.files import COURSE, CourseError, progress, write_file
from helpers.quiet_keras import keras
from helpers.training import reuse_training

layers = keras.layers
RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (32, 6, 5, 1), dtype=np.uint8)
Y = RNG.integers(0, 3, 32)
X_VAL, Y_VAL = X[:8] // 2, Y[:8]


def network(
    units=4,
    activation="relu",
    rotation=0.1,
    frozen=False,
    optimizer="adam",
    loss=None,
    metrics=("accuracy",),
    extra=(),
    names=(None, None),
    change=lambda model: None,
    initial=1,
    **compile_arguments,
):
    """A tiny network with augmentation, batch normalisation and dropout."""
    keras.utils.set_random_seed(initial)
    model = keras.Sequential(
        [
            keras.Input((6, 5, 1)),
            layers.RandomRotation(rotation),
            layers.Rescaling(1 / 255),
            layers.Conv2D(3, 3, name=names[0], trainable=not frozen),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.3),
            *extra,
            layers.Dense(units, activation=activation, name=names[1]),
            layers.Dense(3),
        ]
    )
    if loss is None:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=list(metrics), **compile_arguments)
    change(model)
    return model


def fit_in_block(model, x, y=None, *, seed=0, live=None, train=True, **arguments):
    """`model.fit` in a block of its own."""
    with reuse_training(seed=seed, live=live, train=train):
        return model.fit(x, y, **arguments)


def stopping(patience=1, **settings):
    return keras.callbacks.EarlyStopping(
        "val_loss", patience=patience, restore_best_weights=True, **settings
    )


def call(*, model=network, x=X, y=Y, callbacks=list, **arguments):
    """A function that builds a network and fits or loads it."""
    return lambda: fit_in_block(
        model() if callable(model) else model,
        x() if callable(x) else x,
        y,
        callbacks=callbacks(),
        **arguments,
    )


def of(**settings):
    """A call with other settings of the network."""
    return call(model=lambda: network(**settings))


def with_callback(make):
    return call(callbacks=lambda: [make()])


def of_layer(make):
    return call(model=lambda: network(extra=[make()]))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache folder"
    monkeypatch.setenv("COURSE_CACHE", str(folder))
    monkeypatch.delenv("COURSE_LIVE", raising=False)
    return folder / "training"


@pytest.fixture
def trained(monkeypatch):
    """A list that grows with every training, which is only pretended."""
    counted = []

    @functools.wraps(keras.Model.fit)
    def pretend(model, callbacks, **arguments):
        counted.append(model)
        clock = callbacks[0]
        clock.set_model(model)
        clock.on_train_begin()
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        for variable in model.trainable_variables:
            variable.assign(variable + 1)
        history = keras.callbacks.History()
        history.params = {"verbose": 0, "epochs": 1, "steps": 1}
        history.history, history.epoch = {"loss": [0.5]}, [0]
        return history

    monkeypatch.setattr(keras.Model, "fit", pretend)
    return counted


@functools.wraps(keras.Model.fit)
def must_not_train(model, **arguments):
    raise AssertionError("it was trained")


@pytest.fixture
def shares(trained):
    """shares(first, second): does the second call reuse the first one's result?

    Also checks that the first call itself, repeated, is a hit.
    """

    def asked(first, second):
        first()
        before = len(trained)
        first()
        assert len(trained) == before, "repeating the same call trained again"
        second()
        return len(trained) == before

    return asked


# A hit gives what training gave ----------------------------------------------

ARGUMENTS = dict(epochs=4, batch_size=8, validation_data=(X_VAL, Y_VAL))


def real_call(model, **changes):
    return fit_in_block(model, X, Y, callbacks=[stopping()], seed=5, **(ARGUMENTS | changes))


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """One real training with early stopping, and the file that it left."""
    folder = tmp_path_factory.mktemp("live")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_CACHE", str(folder))
        patch.delenv("COURSE_LIVE", raising=False)
        model = network()
        history = real_call(model)
    weights = [np.asarray(v) for v in model.variables]
    files = sorted((folder / "training").iterdir())
    return types.SimpleNamespace(
        model=model,
        history=history,
        file=files[0],
        files=files,
        weights=weights,
    )


@pytest.fixture
def kept(live, own_cache):
    """The live result's file in this test's cache."""
    own_cache.mkdir(parents=True)
    path = own_cache / live.file.name
    path.write_bytes(live.file.read_bytes())
    return path


def same(a, b):
    return len(a) == len(b) and all(
        np.array_equal(np.asarray(u), np.asarray(v)) for u, v in zip(a, b, strict=True)
    )


def test_a_hit_gives_the_same_model_and_history(live, kept, trained, capsys):
    assert re.fullmatch("[0-9a-f]{32}.npz", kept.name)
    assert live.files == [live.file]
    layers.Dense(1)  # so that the names of layers differ, if they did not
    model = network()
    assert model.layers[2].name != live.model.layers[2].name
    before = model.get_weights()
    history = real_call(model)
    assert not trained
    assert capsys.readouterr() == ("", "")
    assert not same(before, model.get_weights())
    assert same(model.variables, live.weights)
    assert np.array_equal(model.predict(X, verbose=0), live.model.predict(X, verbose=0))
    assert model.evaluate(X, Y, verbose=0) == live.model.evaluate(X, Y, verbose=0)
    assert history.history == live.history.history
    assert set(history.history) == {
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
    }
    assert history.seconds == live.history.seconds
    assert len(history.seconds) == len(history.epoch)
    assert history.epoch == live.history.epoch == [*range(len(history.epoch))]
    assert history.params == live.history.params
    assert isinstance(history, keras.callbacks.History)
    assert history.model is model.history.model is model
    assert list(kept.parent.iterdir()) == [kept]


def test_without_leave_to_train_only_what_is_kept_counts(trained, capsys):
    model = network()
    model.name = "reader"
    before = model.get_weights()
    assert call(model=lambda: model, train=False)() is None
    expected = "'reader' has not been trained on this machine yet.\n"
    assert capsys.readouterr().out == expected
    assert not trained and same(before, model.get_weights())
    assert call(callbacks=lambda: [OwnCallback()], train=False)() is None
    assert capsys.readouterr().out.count("\n") == 1
    assert call(train=False, live=True)() and len(trained) == 1
    assert call(train=False)() and len(trained) == 1


def test_the_file_holds_weights_optimizer_and_history(live):
    with np.load(live.file, allow_pickle=False) as file:
        names = set(file.files)
        about = json.loads(file["about"].tobytes())
        arrays = [file[f"w{i}"] for i in range(len(live.weights))]
    slots = len(live.model.optimizer.variables)
    assert names == {"about"} | {f"w{i}" for i in range(len(arrays))} | {
        f"o{i}" for i in range(slots)
    }
    assert same(arrays, live.weights)
    assert about["digest"].startswith(live.file.stem)


def test_early_stopping_with_the_best_weights(kept, trained):
    model = network()
    losses = real_call(model).history["val_loss"]
    best = model.evaluate(X_VAL, Y_VAL, verbose=0)[0]
    assert best == pytest.approx(min(losses), abs=1e-6)


def test_training_goes_on_alike_after_a_hit(kept, monkeypatch):
    """Weights, moments, step count and the state of random layers come back."""

    def go_on(model):
        keras.utils.set_random_seed(9)
        return model.fit(X, Y, epochs=2, batch_size=8, verbose=0).history

    fresh = network()
    kept.unlink()
    real_call(fresh)  # live
    loaded = network()
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "fit", must_not_train)
        real_call(loaded)
    assert same(loaded.optimizer.variables, fresh.optimizer.variables)
    assert int(loaded.optimizer.iterations) > 0
    assert go_on(loaded) == go_on(fresh)
    assert same(loaded.variables, fresh.variables)
    assert same(loaded.optimizer.variables, fresh.optimizer.variables)


def test_what_follows_draws_the_same_random_numbers(trained):
    def drawn():
        call(seed=3)()
        dense = layers.Dense(2)
        dense.build((None, 2))
        random = float(keras.random.uniform(()))
        return [np.random.random(), random, *dense.get_weights()]

    cold = drawn()
    np.random.random(7)
    warm = drawn()
    assert len(trained) == 1
    assert same(cold, warm)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "ema"])
def test_a_step_is_compiled_once_and_gives_what_fit_gives(own_cache, monkeypatch, optimizer):
    """Keras alone compiles it twice, because the first time makes variables."""
    compiled = []
    train_step = keras.Sequential.train_step

    def counted(model, data):
        compiled.append(model)
        return train_step(model, data)

    monkeypatch.setattr(keras.Sequential, "train_step", counted)

    def new():
        if optimizer == "ema":
            return keras.optimizers.AdamW(use_ema=True, clipnorm=1.0)
        return optimizer

    ours, theirs = network(optimizer=new()), network(optimizer=new())
    history = fit_in_block(ours, X, Y, epochs=3, seed=5, validation_data=(X_VAL, Y_VAL))
    assert len(compiled) == 1
    compiled.clear()
    keras.utils.set_random_seed(5)
    reference = theirs.fit(X, Y, epochs=3, validation_data=(X_VAL, Y_VAL), verbose=0)
    assert len(compiled) == 2, "Keras has learned it: _make_variables can go"
    assert history.history == reference.history
    pairs = zip(ours.get_weights(), theirs.get_weights(), strict=True)
    assert all((a == b).all() for a, b in pairs)
    pairs = zip(ours.optimizer.variables, theirs.optimizer.variables, strict=True)
    assert all((a.numpy() == b.numpy()).all() for a, b in pairs)


@pytest.mark.parametrize("targets", ["labels missing", "two outputs"])
def test_models_without_prepared_variables_are_fitted_too(own_cache, targets):
    inputs = keras.Input((6, 5, 1))
    flat = layers.Flatten()(inputs)
    if targets == "two outputs":
        heads = {"a": layers.Dense(3)(flat), "b": layers.Dense(1)(flat)}
        model = keras.Model(inputs, heads)
        model.compile("adam", {"a": "mse", "b": "mse"}, metrics={"b": ["mae"]})
        y = {"a": np.eye(3)[Y], "b": Y}
    else:
        model = keras.Model(inputs, layers.Dense(3)(flat))
        model.compile("adam", "mse", metrics=["mae"])
        y = None
        with pytest.raises(ValueError, match="None values"):
            fit_in_block(model, X, y, epochs=1)
        y = np.eye(3)[Y]
    history = fit_in_block(model, X, y, epochs=2)
    assert history.history["loss"][1] > 0


def test_numbers_in_the_history_are_those_of_python(tmp_path):
    """What is printed is the same, cold or warm: no np.float32 at first."""
    per_class = keras.metrics.F1Score(name="f1")  # an array each epoch
    one_hot = np.eye(3, dtype="float32")[Y]

    def fit():
        model = network(loss="categorical_crossentropy", metrics=["accuracy", per_class])
        plateau = keras.callbacks.ReduceLROnPlateau("loss", patience=1)
        return fit_in_block(model, X, one_hot, callbacks=[plateau], epochs=np.int64(2))

    cold = fit()
    warm = fit()
    assert cold is not warm
    assert repr(cold.history) == repr(warm.history)
    assert {type(v) for v in cold.history["learning_rate"]} == {float}
    assert np.shape(cold.history["f1"]) == (2, 3)
    assert cold.params == warm.params
    assert cold.seconds == warm.seconds


# What makes a miss, and what does not ----------------------------------------


def decay(rate):
    return keras.optimizers.schedules.ExponentialDecay(0.01, 10, rate)


def set_rate(model):
    model.optimizer.learning_rate = 0.05


def set_activation(model):
    model.layers[-1].activation = keras.activations.relu


def freeze(model):
    model.layers[2].trainable = False


def add_to_weight(model):
    kernel = np.asarray(model.trainable_variables[0])
    kernel.flat[0] = np.nextafter(kernel.flat[0], np.float32(9))
    model.trainable_variables[0].assign(kernel)


logits = functools.partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True)

NETWORKS = {
    "units": {"units": 5},
    "activation": {"activation": "tanh"},
    "activation, set later": {"change": set_activation},
    "augmentation": {"rotation": 0.2},
    "another layer": {"extra": [layers.Dropout(0.0)]},
    "frozen": {"frozen": True},
    "frozen later": {"change": freeze},
    "optimizer": {"optimizer": "sgd"},
    "learning rate": {"optimizer": keras.optimizers.Adam(0.002)},
    "learning rate, set later": {"change": set_rate},
    "weight decay": {"optimizer": keras.optimizers.Adam(weight_decay=0.1)},
    "loss": {"loss": keras.losses.SparseCategoricalCrossentropy()},
    "loss's setting": {"loss": logits(ignore_class=0)},
    "metrics": {"metrics": ["accuracy", "mse"]},
    "metric's name": {"metrics": ["acc"]},
    "loss weights": {"loss_weights": [2.0]},
    "weighted metrics": {"weighted_metrics": ["accuracy"]},
    "steps per execution": {"steps_per_execution": 2},
    "eager": {"run_eagerly": True},
    "initial weights": {"initial": 2},
    "one weight's last bit": {"change": add_to_weight},
}


@pytest.mark.parametrize("what", NETWORKS)
def test_another_network_is_a_miss(shares, what):
    if what == "loss":
        assert not keras.losses.SparseCategoricalCrossentropy().get_config()["from_logits"]
    assert not shares(of(), of(**NETWORKS[what]))


def test_parameters_of_a_schedule_are_a_miss(shares):
    first, second = (
        call(model=lambda r=r: network(optimizer=keras.optimizers.SGD(decay(r))))
        for r in (0.9, 0.8)
    )
    assert not shares(first, second)


def test_names_of_layers_do_not_matter(shares):
    assert shares(of(), of(names=("first", "second")))


def test_names_hide_no_setting(shares):
    """A layer called like its activation is not one with another activation."""
    assert not shares(
        of(activation="relu", names=(None, "relu")),
        of(activation="tanh", names=(None, "tanh")),
    )


def test_names_of_metrics_matter(shares):
    """They are in the history."""
    top = keras.metrics.SparseTopKCategoricalAccuracy
    assert not shares(of(metrics=[top(2, name="top")]), of(metrics=[top(2, name="top2")]))


def test_graphs_with_shared_and_nested_layers(shares):
    def graph(crossed=False, width=4):
        def build():
            keras.utils.set_random_seed(1)
            inner = keras.Sequential([keras.Input((width,)), layers.Dense(4), layers.Dense(4)])
            inputs = keras.Input((6, 5, 1))
            a = layers.Dense(width)(layers.Flatten()(inputs))
            b = keras.ops.relu(inner(a)) + 1.0
            pair = [b, a] if crossed else [a, b]
            outputs = layers.Dense(3)(layers.Concatenate()(pair))
            model = keras.Model(inputs, outputs)
            model.compile("adam", logits())
            return model

        return call(model=build)

    assert shares(graph(), graph())
    assert not shares(graph(), graph(crossed=True))


def test_outputs_are_named_in_the_history(shares):
    def build(names):
        keras.utils.set_random_seed(1)
        inputs = keras.Input((6, 5, 1))
        flat = layers.Flatten()(inputs)
        outputs = [layers.Dense(3, name=name)(flat) for name in names]
        model = keras.Model(inputs, outputs)
        model.compile("adam", [logits(), logits()])
        return model

    one, other = (
        call(model=lambda n=names: build(n), y=[Y, Y])
        for names in (["left", "right"], ["top", "right"])
    )
    assert not shares(one, other)


def bumped(array):
    """The same array with its last element one larger."""
    array = np.array(array)
    array.flat[-1] += 1
    return array


WEIGHTS = np.ones(32, "float32")

CALLS = {
    "x": ({}, {"x": bumped(X)}),
    "y": ({}, {"y": bumped(Y)}),
    "x's type": ({}, {"x": X.astype("float32")}),
    "y's type": ({}, {"y": Y.astype("int32")}),
    "fewer rows": ({}, {"x": X[:-1], "y": Y[:-1]}),
    "other shape": ({}, {"x": X[..., 0]}),
    "validation_data": (
        {"validation_data": (X_VAL, Y_VAL)},
        {"validation_data": (X_VAL, bumped(Y_VAL))},
    ),
    "validation": ({}, {"validation_data": (X_VAL, Y_VAL)}),
    "validation_split": ({}, {"validation_split": 0.25}),
    "epochs": ({"epochs": 1}, {"epochs": 2}),
    "batch_size": ({"batch_size": 8}, {"batch_size": 16}),
    "shuffle": ({}, {"shuffle": False}),
    "class_weight": (
        {"class_weight": {0: 1.0, 1: 1.0, 2: 1.0}},
        {"class_weight": {0: 1.0, 1: 2.0, 2: 1.0}},
    ),
    "sample_weight": (
        {"sample_weight": WEIGHTS},
        {"sample_weight": bumped(WEIGHTS)},
    ),
    "seed": ({"seed": 1}, {"seed": 2}),
}


@pytest.mark.parametrize("what", CALLS)
def test_another_argument_is_a_miss(shares, what):
    first, second = CALLS[what]
    assert not shares(call(**first), call(**second))


EQUAL = {
    "verbose": ({}, {"verbose": 2}),
    "the same data elsewhere": ({}, {"x": X.copy(), "y": Y.copy()}),
    "data not in one piece": ({}, {"x": np.repeat(X, 2, axis=0)[::2]}),
    "a tensor": ({}, {"x": keras.ops.convert_to_tensor(X)}),
    "a pandas column": ({}, {"y": pd.Series(Y)}),
    "a number of NumPy as the seed": ({"seed": 3}, {"seed": np.int64(3)}),
    "no callbacks": ({}, {"callbacks": lambda: None}),
    "a default, spelled out": ({}, {"epochs": 1, "shuffle": True, "sample_weight": None}),
    "arguments in another order": (
        {"epochs": 2, "batch_size": 8},
        {"batch_size": 8, "epochs": 2},
    ),
}


@pytest.mark.parametrize("what", EQUAL)
def test_what_does_not_matter_is_a_hit(shares, what):
    first, second = EQUAL[what]
    assert shares(call(**first), call(**second))


def test_numbers_of_numpy_are_fine_as_arguments(shares, capsys):
    numbers = {"epochs": np.int64(2), "batch_size": np.int32(8)}
    assert not shares(call(**numbers), call(**numbers | {"epochs": 3}))
    assert capsys.readouterr().out == ""


def test_strings_numbers_and_lists_are_told_apart():
    values = [1, 1.0, "1", True, None, "None", [1], {1: 1}, {"1": 1}, [[1]]]
    values += [np.array([1]), np.array([1.0]), np.array([[1]]), [1, []], ""]
    values += [np.zeros((0, 2)), np.zeros((2, 0)), -0.0, 0.0, ["a", "b"]]
    values += [["ab", ""], ['a", "b'], {"a": 1, "b": 2}, {"dict": [["a", 1]]}]
    digests = {training.hash_of(value) for value in values}
    assert len(digests) == len(values)
    same = {training.hash_of(one) for one in ({"a": 1, "b": 2}, {"b": 2, "a": 1})}
    assert len(same) == 1


@pytest.mark.parametrize("package", ["keras", "tensorflow"])
def test_another_version_is_a_miss(shares, monkeypatch, package):
    if keras.backend.backend() != "tensorflow":
        package = "keras"
    module = sys.modules[package]

    def with_version(version):
        def fit():
            with monkeypatch.context() as patch:
                patch.setattr(module, "__version__", version)
                call()()

        return fit

    assert shares(call(), with_version(module.__version__))
    assert not shares(call(), with_version("0.0.1"))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_another_dtype_policy_is_a_miss(shares, policy):
    before = keras.config.dtype_policy()

    def changed():
        keras.config.set_dtype_policy(policy)
        try:
            call()()
        finally:
            keras.config.set_dtype_policy(before)

    assert not shares(call(), changed)
    assert shares(changed, changed)  # with a loss-scaling optimizer


def test_dtype_of_a_single_layer_is_a_miss(shares):
    one, other = (
        of_layer(lambda d=d: layers.Dense(4, dtype=d)) for d in ("mixed_bfloat16", "mixed_float16")
    )
    assert not shares(one, other)


def test_training_that_has_begun_is_a_miss(shares):
    def begun():
        model = network()
        model.optimizer.build(model.trainable_variables)
        model.optimizer.iterations.assign(7)
        fit_in_block(model, X, Y)

    assert not shares(call(), begun)


@pytest.mark.parametrize("limit", ["max_epochs", "max_steps_per_epoch"])
def test_a_limit_for_trials_is_a_miss(shares, limit):
    """Keras trains for no longer than KERAS_MAX_EPOCHS."""
    set_limit = getattr(keras.config, f"set_{limit}")

    def limited():
        set_limit(1)
        try:
            call(epochs=2)()
        finally:
            set_limit(None)

    assert not shares(call(epochs=2), limited)


# What cannot be known is never reused ----------------------------------------


def dataset():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return X, Y


def excluding(model):
    model.optimizer.exclude_from_weight_decay(var_names=["bias"])


def vocabulary():
    layer = layers.StringLookup()
    layer.adapt(["a", "b"])
    return layer


def double(x):
    return 2 * x


class OwnLayer(layers.Layer):
    def call(self, x):
        return x


class OwnModel(keras.Sequential):
    pass


class OwnCallback(keras.callbacks.Callback):
    pass


class OwnLoss(keras.losses.SparseCategoricalCrossentropy):
    pass


class OwnDecay(keras.optimizers.schedules.ExponentialDecay):
    pass


def own_loss(y_true, y_pred):
    return keras.ops.mean(y_pred, axis=-1)


def own_model():
    model = OwnModel(network().layers)
    model.build((None, 6, 5, 1))
    model.compile("adam", logits())
    return model


def changed_layer():
    layer = layers.ReLU()
    layer.call = double
    return layer


def unbuilt():
    model = keras.Sequential([layers.Flatten(), layers.Dense(3)], name="mine")
    model.compile("adam", logits())
    return model


def changed_inner_layer():
    """The change is in a layer that no configuration shows."""
    inner = layers.ReLU()
    inner.call = double
    return layers.TimeDistributed(inner)


def own_decay():
    return network(optimizer=keras.optimizers.SGD(OwnDecay(0.1, 10, 0.9)))


UNKNOWN = {
    "tf.data": (call(x=dataset, y=None), "Dataset"),
    "generator": (call(x=lambda: (b for b in [(X, Y)]), y=None), "generator"),
    "PyDataset": (call(x=lambda: Batches(), y=None), "Batches"),
    "Python objects": (call(y=Y.astype(object)), "Python objects"),
    "writes files": (
        with_callback(lambda: keras.callbacks.ModelCheckpoint("a.keras")),
        "ModelCheckpoint",
    ),
    "writes files too": (
        with_callback(lambda: keras.callbacks.CSVLogger("a.csv")),
        "CSVLogger",
    ),
    "own callback": (with_callback(OwnCallback), "OwnCallback"),
    "own function in a callback": (
        with_callback(
            lambda: keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)
        ),
        "on_epoch_end",
    ),
    "own function as a schedule": (
        with_callback(lambda: keras.callbacks.LearningRateScheduler(double)),
        "schedule",
    ),
    "own layer": (of_layer(OwnLayer), "OwnLayer"),
    "own model": (call(model=own_model), "OwnModel"),
    "own activation": (of(activation=double), "function"),
    "own loss": (of(loss=own_loss), "function"),
    "own class of losses": (of(loss=OwnLoss(from_logits=True)), "OwnLoss"),
    "own metric": (of(metrics=[own_loss]), "function"),
    "own schedule": (call(model=own_decay), "OwnDecay"),
    "own method of a layer": (of_layer(changed_layer), "call"),
    "own method of an inner layer": (
        call(model=lambda: network(extra=[layers.Reshape((3, 12)), changed_inner_layer()])),
        "call",
    ),
    "no weights yet": (call(model=unbuilt), "'mine' has no weights before it is trained"),
    "Lambda layer": (
        of_layer(lambda: layers.Lambda(lambda x: x + 1)),
        "function of your own",
    ),
    "weights without decay": (of(change=excluding), "decay"),
    "a partial activation": (
        of_layer(lambda: layers.Activation(functools.partial(np.clip, a_min=0))),
        "does not tell its settings",
    ),
    "a vocabulary": (of_layer(vocabulary), "learnt"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_unknown_things_train_every_time(trained, own_cache, capsys, what):
    fit, reason = UNKNOWN[what]
    for times in (1, 2):
        assert fit().history == {"loss": [0.5]}
        assert len(trained) == times
        out = capsys.readouterr().out
        assert out.count("\n") == 1
        assert out.startswith("This result cannot be reused later: ")
        assert reason in out
    assert not own_cache.exists()


def test_a_dataset_is_really_trained(own_cache, capsys):
    model = network()
    before = model.get_weights()
    history = fit_in_block(model, dataset(), epochs=1)
    assert len(history.history["accuracy"]) == len(history.seconds) == 1
    assert not same(before, model.get_weights())
    assert capsys.readouterr().out.count("\n") == 1
    assert not own_cache.exists()


# Bad files -------------------------------------------------------------------


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def rewritten(path, change):
    """The cache file again, with some of its arrays changed."""
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def one_weight(arrays):
    arrays["w3"] = arrays["w3"].copy()
    arrays["w3"].flat[0] += 1e-3


def one_slot(arrays):
    arrays["o0"] = arrays["o0"] + 1


def one_less(arrays):
    del arrays[max((n for n in arrays if n[0] == "o"), key=lambda n: int(n[1:]))]


def history_of(arrays):
    text = arrays["about"].tobytes()
    about = json.loads(text)
    about["kept"]["history"]["accuracy"][0] = 1.0
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)


def seconds_of(arrays):
    about = json.loads(arrays["about"].tobytes())
    about["kept"]["seconds"][0] = 0.0
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)


def not_a_dictionary(arrays):
    arrays["about"] = np.frombuffer(b"[1, 2]", np.uint8)


def save_array(path):
    with path.open("wb") as file:
        np.save(file, np.ones(3))


def flip_a_bit(path):
    """Of a number: what the format does not use may well change."""
    with np.load(path) as file:
        number = file["w3"].tobytes()
    content = bytearray(path.read_bytes())
    content[content.index(number)] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "one byte short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "one bit": flip_a_bit,
    "a text": lambda path: path.write_text("Hello", encoding="utf-8"),
    "another npz": lambda path: rewritten(path, lambda a: a.clear()),
    "an npy": save_array,
    "no JSON": lambda path: rewritten(path, lambda a: a.update(about=np.ones(3))),
    "a JSON list": lambda path: rewritten(path, not_a_dictionary),
    "a weight": lambda path: rewritten(path, one_weight),
    "an optimizer's array": lambda path: rewritten(path, one_slot),
    "one array less": lambda path: rewritten(path, one_less),
    "a score": lambda path: rewritten(path, history_of),
    "a duration": lambda path: rewritten(path, seconds_of),
    "a pickle": lambda path: path.write_bytes(pickle.dumps(Bomb(path.with_name("bomb")))),
    "a pickle in an npz": lambda path: rewritten(
        path,
        lambda a: a.update(about=np.array([Bomb(path.with_name("bomb"))], dtype=object)),
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_file_is_replaced(kept, trained, capsys, what):
    good = kept.read_bytes()
    DAMAGE[what](kept)
    assert kept.read_bytes() != good
    model = network()
    real_call(model)
    assert len(trained) == 1
    out = capsys.readouterr().out
    assert out == f"The cached result {kept.name} is damaged: training again.\n"
    assert list(kept.parent.iterdir()) == [kept]  # no bomb, nothing partial
    again = network()
    real_call(again)
    assert len(trained) == 1
    assert capsys.readouterr().out == ""
    assert same(again.variables, model.variables)


def test_a_rewritten_file_is_no_damage(kept, trained):
    """So that it is the change, not the rewriting, that the test above sees."""
    rewritten(kept, lambda arrays: None)
    real_call(network())
    assert not trained


def test_another_user_s_result_is_neither_damaged_nor_replaced(kept, trained, capsys, monkeypatch):
    def refused(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    before = kept.read_bytes()
    monkeypatch.setattr(np, "load", refused)
    monkeypatch.setattr(os, "access", lambda path, mode: path != kept)
    real_call(network())
    assert len(trained) == 1
    said = f"Trained, but not kept for the next time: {kept} cannot be read (Permission denied)"
    assert capsys.readouterr().out.startswith(said)
    assert kept.read_bytes() == before


def test_another_results_file_is_refused(kept, trained, capsys):
    real_call(network(), epochs=5)
    other = next(p for p in kept.parent.iterdir() if p != kept)
    kept.write_bytes(other.read_bytes())
    real_call(network())
    assert len(trained) == 2
    assert capsys.readouterr().out.count("is damaged: training again.") == 1
    real_call(network())
    assert len(trained) == 2


def test_a_damaged_file_leaves_the_model_as_it_was(kept, monkeypatch):
    """Training must begin with the initial weights, not with half a result."""
    DAMAGE["a score"](kept)
    model = network()
    before = [np.asarray(v) for v in model.variables]
    after = []

    @functools.wraps(keras.Model.fit)
    def look(model, **arguments):
        after.extend(np.asarray(v) for v in model.variables)
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "fit", look)
    with pytest.raises(KeyboardInterrupt):
        real_call(model)
    assert same(before, after)


# Files that cannot be written ------------------------------------------------


def test_a_full_disk_costs_only_the_cache(trained, own_cache, monkeypatch, capsys):
    def full(file, **arrays):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        model = network()
        history = fit_in_block(model, X, Y)
    assert history.history == {"loss": [0.5]}
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.startswith("Trained, but not kept for the next time: The disk")
    assert list(own_cache.iterdir()) == []
    call()()
    call()()
    assert len(trained) == 2
    assert capsys.readouterr().out == ""


def test_an_unwritable_folder_costs_only_the_cache(trained, tmp_path, monkeypatch, capsys):
    file = tmp_path / "a file"
    file.write_text("kept", encoding="utf-8")
    monkeypatch.setenv("COURSE_CACHE", str(file))
    assert call()().history == {"loss": [0.5]}
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert str(file) in out
    assert file.read_text(encoding="utf-8") == "kept"


def test_a_history_that_json_cannot_hold(own_cache, capsys, monkeypatch):
    really = keras.Model.fit

    @functools.wraps(really)
    def odd(model, **arguments):
        history = really(model, **arguments)
        history.history["odd"] = [1j]
        return history

    monkeypatch.setattr(keras.Model, "fit", odd)
    history = fit_in_block(network(), X, Y)
    assert history.history["odd"] == [1j]
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.startswith("Trained, but not kept for the next time: ")
    assert list(own_cache.glob("*")) == []


def test_bfloat16_weights_are_not_kept(trained, own_cache, capsys):
    """NumPy would write them and read raw bytes: a damaged file every time."""
    fit = of_layer(lambda: layers.Dense(4, dtype="bfloat16"))
    fit()
    assert "bfloat16" in capsys.readouterr().out
    assert list(own_cache.glob("*")) == []


def test_interrupted_training_leaves_nothing(own_cache):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_in_block(network(), X, Y, epochs=3, callbacks=[Interrupt()])
    assert not own_cache.exists() or list(own_cache.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from helpers import training

def save(value):
    optimizer = SimpleNamespace(variables=[np.ones(2)])
    model = SimpleNamespace(variables=[np.full(9, value)], optimizer=optimizer)
    history = SimpleNamespace(history={}, epoch=[], seconds=[], params={})
    training.save_result(Path(sys.argv[1]), "digest", model, history)

save(1.0)
whole = np.savez

def half(file, **arrays):
    whole(file, **arrays)
    file.truncate(100)
    file.flush()
    print("killed", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

np.savez = half
save(2.0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_kill_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "training" / "result.npz"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)],
        capture_output=True,
        text=True,
        cwd=COURSE,
        timeout=60,
    )
    assert (done.stdout, done.returncode) == ("killed\n", -9), done.stderr
    with np.load(path) as file:
        assert np.array_equal(file["w0"], np.ones(9))
    assert len(list(path.parent.iterdir())) == 2  # what was half written
    later = time.time() + 7200
    with pytest.MonkeyPatch.context() as patch:  # goes when it is old
        patch.setattr(time, "time", lambda: later)
        with write_file(path.with_name("next")) as partial:
            partial.write_bytes(b"")
    assert {p.name for p in path.parent.iterdir()} == {"result.npz", "next"}


# Training in any case --------------------------------------------------------


@pytest.mark.parametrize("how", ["live=True", "COURSE_LIVE=1"])
def test_live_trains_and_replaces(live, kept, monkeypatch, how):
    kept.write_bytes(b"old")
    if how == "live=True":
        history = real_call(network(), live=True)
    else:
        monkeypatch.setenv("COURSE_LIVE", "1")
        history = real_call(network())
    assert history.history == live.history.history
    assert kept.stat().st_size > 1000
    monkeypatch.setenv("COURSE_LIVE", "0")
    monkeypatch.setattr(keras.Model, "fit", must_not_train)
    loaded = real_call(network())
    assert loaded.seconds == history.seconds


def test_live_false_wins_over_the_variable(kept, trained, monkeypatch):
    monkeypatch.setenv("COURSE_LIVE", "1")
    real_call(network(), live=False)
    assert not trained
    real_call(network())
    assert len(trained) == 1


# Mistakes, and what is shown -------------------------------------------------


def uncompiled():
    return keras.Sequential([keras.Input((6, 5, 1)), layers.Flatten()], name="mine")


MISTAKES = {
    "not compiled": (call(model=uncompiled), "Compile 'mine' before"),
    "seed": (call(seed="one"), "seed must be a whole number .* 'one'"),
    "no seed": (call(seed=None), "seed must be a whole number"),
    "negative seed": (call(seed=-1), "seed must be a whole number"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_mistakes_are_one_sentence(trained, own_cache, what):
    fit, message = MISTAKES[what]
    with pytest.raises(CourseError, match=message) as caught:
        fit()
    assert "\n" not in str(caught.value)
    assert not trained and not own_cache.exists()


def test_nothing_is_printed(live, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        real_call(network(activation="elu"))
        miss = capsys.readouterr()
        real_call(network(activation="elu"))
        hit = capsys.readouterr()
    assert miss.out == hit.out == ""
    assert "rror" not in miss.err + hit.err


@pytest.fixture
def with_bar(monkeypatch):
    """As without TQDM_DISABLE."""
    monkeypatch.setattr(training, "progress", functools.partial(progress, disable=False))


def test_progress_is_shown_and_goes_away(with_bar, capsys):
    """Where training takes longer than a second, on standard output."""

    class Slow(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            time.sleep(0.6)

    fit_in_block(network(), X, Y, epochs=3, callbacks=[Slow()])
    shown = capsys.readouterr()
    first, bar = shown.out.split("\n")
    assert first.startswith("This result cannot be reused later")
    assert "Training" in bar and "accuracy" in bar
    assert bar.endswith("\r") and not bar.split("\r")[-2].strip()  # wiped out
    assert shown.err == ""


REUSED = "Reused: trained before with the same model, data and settings.\n"


def test_one_line_says_whether_a_long_training_was_reused(with_bar, monkeypatch, capsys):
    monkeypatch.setattr(training, "SHORT", 0)

    def said(**arguments):
        fit_in_block(network(), X, Y, **arguments)
        return re.sub("[^\n]*\r", "", capsys.readouterr().out)  # without the bar

    assert said(epochs=2) == "Trained for 2 epochs; kept for the next time.\n"
    assert said(epochs=2) == REUSED
    assert said(epochs=2, verbose=0) == ""
    assert said(epochs=1) == "Trained for 1 epoch; kept for the next time.\n"
    out = said(callbacks=[OwnCallback()])
    first, second = out.splitlines()
    assert first.startswith("This result cannot be reused later: ")
    assert second == "Trained for 1 epoch."
    monkeypatch.setattr(training, "SHORT", 1000)
    assert said(epochs=2) == said(epochs=1) == ""


def test_verbose_is_left_to_keras(with_bar, monkeypatch, capsys):
    monkeypatch.setattr(training, "SHORT", 0)
    fit_in_block(network(), X, Y, epochs=2, verbose=2)
    out = capsys.readouterr().out
    assert "Epoch 2/2" in out and "Training" not in out and "Trained" not in out


# The block itself ------------------------------------------------------------


@pytest.fixture
def own_fit():
    """Keras's own `fit`; it must be back in its place afterwards."""
    before = keras.Model.fit
    assert "fit" not in vars(keras.Model)  # Keras inherits it
    yield before
    assert keras.Model.fit is before and "fit" not in vars(keras.Model)


def test_fit_is_back_after_the_block(own_fit):
    with reuse_training():
        assert keras.Model.fit is not own_fit
        assert network().fit(X, Y).seconds
    assert not hasattr(network().fit(X, Y, verbose=0), "seconds")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_fit_is_back_after_an_error(own_fit, error):
    with pytest.raises(error), reuse_training():
        raise error


def test_fit_is_back_after_an_error_in_fit(own_fit):
    with reuse_training():
        inside = keras.Model.fit
        with pytest.raises(ValueError, match="cardinality"):
            network().fit(X, Y[:-1], verbose=0)
        assert keras.Model.fit is inside
        with pytest.raises(CourseError):
            uncompiled().fit(X, Y)
        assert keras.Model.fit is inside


def test_fit_is_back_where_the_block_refuses_its_seed(own_fit):
    with pytest.raises(CourseError), reuse_training(seed=-1):
        raise AssertionError("the block was entered")


def test_several_fits_in_a_block_are_as_in_blocks_of_their_own(trained):
    with reuse_training(seed=3):
        network().fit(X, Y)
        first = np.random.random()
        network(units=5).fit(X, Y)
        assert np.random.random() == first  # each begins and ends with the seed
    assert len(trained) == 2
    call(seed=3)()
    of(units=5)()
    assert len(trained) == 3  # the last with another seed


def test_of_nested_blocks_the_inner_one_counts(trained, capsys):
    with reuse_training(seed=1):
        with reuse_training(seed=2):
            assert network().fit(X, Y).seconds == []
        network().fit(X, Y)
    assert len(trained) == 2
    call(seed=1)()
    call(seed=2)()
    assert len(trained) == 2
    assert capsys.readouterr().out == ""


def test_a_nested_block_ends_with_an_error(trained):
    with reuse_training(seed=1):
        with pytest.raises(KeyError), reuse_training(seed=2):
            raise KeyError
        network().fit(X, Y)
    call(seed=1)()
    assert len(trained) == 1


def test_arguments_by_position(trained):
    with reuse_training():
        network().fit(X, Y, 8, 2)
        network().fit(X, y=Y, epochs=2, batch_size=8)
    assert len(trained) == 1


def test_a_wrong_argument_is_told_as_keras_tells_it(own_fit):
    with pytest.raises(TypeError) as plain:
        network().fit(X, Y, epoch=2)
    with reuse_training(), pytest.raises(TypeError) as ours:
        network().fit(X, Y, epoch=2)
    assert str(ours.value) == str(plain.value)


def test_at_home_without_the_block_it_is_the_same(live, own_fit):
    """Bit for bit: what is left when the line of the block is deleted."""
    model = network()
    keras.utils.set_random_seed(5)
    history = model.fit(X, Y, callbacks=[stopping()], verbose=0, **ARGUMENTS)
    assert same(model.variables, live.weights)
    assert same(model.optimizer.variables, live.model.optimizer.variables)
    assert history.history == live.history.history


class OwnFit(keras.Sequential):
    calls = 0

    def fit(self, *arguments, **settings):
        self.calls += 1
        return super().fit(*arguments, **settings)


def test_a_subclass_with_a_fit_of_its_own(own_fit, own_cache, capsys):
    model = OwnFit(network().layers)
    model.build((None, 6, 5, 1))
    model.compile("adam", logits())
    history = fit_in_block(model, X, Y, epochs=2)
    assert model.calls == 1 and len(history.seconds) == 2
    assert "OwnFit is not a part of Keras" in capsys.readouterr().out
    assert not own_cache.exists()


class Subclass(keras.Model):
    """As in Keras's guide: its weights are made by its first batch."""

    def __init__(self):
        super().__init__(name="mine")
        self.flatten, self.dense = layers.Flatten(), layers.Dense(3)

    def call(self, x):
        return self.dense(self.flatten(x))


def test_a_subclass_is_trained_each_time_as_at_home(own_fit, own_cache, capsys):
    models = []
    for _ in range(3):
        keras.utils.set_random_seed(1)
        models.append(Subclass())
        models[-1].compile("adam", logits())
    for model in models[:2]:
        fit_in_block(model, X, Y, epochs=2, seed=4)
        out = capsys.readouterr().out
        assert out.count("\n") == 1
        assert out.startswith("This result cannot be reused later: 'mine' has no weights")
    keras.utils.set_random_seed(4)
    models[2].fit(X, Y, epochs=2, verbose=0)
    assert same(models[0].variables, models[2].variables)
    assert same(models[1].variables, models[2].variables)
    assert not own_cache.exists()


def test_what_a_callback_trains_is_not_looked_up(own_fit, own_cache):
    other = network(units=2)

    class Inner(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.inner = other.fit(X, Y, verbose=0)

    inner = Inner()
    fit_in_block(network(), X, Y, callbacks=[inner])
    assert not hasattr(inner.inner, "seconds")
    assert not own_cache.exists()


# A cell that is run twice ----------------------------------------------------

AGAIN = re.compile(
    r"This model has been trained already, for (\d+) steps: training goes on "
    r"from there\. To start afresh, build it again\.\n"
)


def test_a_model_that_was_trained_says_so(own_fit, capsys):
    model = network()
    losses = [fit_in_block(model, X, Y, epochs=2).history["loss"] for _ in range(2)]
    assert AGAIN.fullmatch(capsys.readouterr().out)[1] == "2"  # an epoch is one batch
    assert losses[0] != losses[1]
    fit_in_block(network(), X, Y, epochs=2)
    assert capsys.readouterr().out == ""


def test_a_model_from_the_cache_counts_as_trained(kept, own_fit, capsys):
    with reuse_training(seed=5):
        model = network()
        history = model.fit(X, Y, callbacks=[stopping()], **ARGUMENTS)
        assert capsys.readouterr().out == ""
        model.fit(X, Y)
    steps = len(history.epoch) * len(X) // ARGUMENTS["batch_size"]
    assert AGAIN.fullmatch(capsys.readouterr().out)[1] == str(steps)


def test_a_cell_that_compiles_and_fits_run_twice_says_so(own_fit, capsys):
    """`compile` sets the optimizer's steps back; the weights are trained all the same."""
    model = network()
    fit_in_block(model, X, Y)
    start = model.get_weights()
    model.compile("sgd", model.loss)  # another way, as in fine-tuning: nothing to say
    fit_in_block(model, X, Y)
    assert capsys.readouterr().out == ""
    model.compile("sgd", model.loss)
    fit_in_block(model, X, Y)
    said = "This model has been trained already: training goes on from there. To start afresh"
    assert capsys.readouterr().out.startswith(said)
    model.compile("sgd", model.loss)
    model.set_weights(start)  # as they were before
    fit_in_block(model, X, Y)
    assert capsys.readouterr().out == ""


def test_it_says_so_before_it_trains(own_fit, monkeypatch, capsys):
    model = network()
    fit_in_block(model, X, Y)

    @functools.wraps(keras.Model.fit)
    def stopped(model, **arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "fit", stopped)
    with pytest.raises(KeyboardInterrupt):
        fit_in_block(model, X, Y)
    assert AGAIN.fullmatch(capsys.readouterr().out)
    monkeypatch.undo()


def test_loss_scaling_and_new_optimizers(own_fit, capsys):
    """A model that is compiled again is fine-tuned, which is no mistake."""
    model = network(optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()))
    fit_in_block(model, X, Y)
    assert capsys.readouterr().out == ""
    fit_in_block(model, X, Y)
    assert AGAIN.fullmatch(capsys.readouterr().out)
    model.compile("sgd", logits())
    fit_in_block(model, X, Y)
    assert capsys.readouterr().out == ""


# Several processes -----------------------------------------------------------

PROCESS = """
import hashlib, sys, time
from pathlib import Path
sys.path.insert(0, "tests/training")
from test_training import *

Path(sys.argv[1], sys.argv[2]).touch()
while len(list(Path(sys.argv[1]).iterdir())) < 2:
    time.sleep(0.01)
model = network()
history = fit_in_block(model, X, Y, callbacks=[stopping()], **ARGUMENTS)
weights = [np.asarray(v).tolist() for v in model.variables]
print(json.dumps([weights, history.history]))
"""


def test_two_processes_at_once_and_a_third_later(tmp_path, own_cache, trained):
    """All get the same result, though sets are ordered otherwise in each."""
    ready = tmp_path / "ready"
    ready.mkdir()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(ready), name],
            stdout=subprocess.PIPE,
            cwd=COURSE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": name, "CI": ""},
        )
        for name in ("1", "2")
    ]
    one, two = (process.communicate(timeout=120)[0] for process in running)
    assert [process.returncode for process in running] == [0, 0]
    assert one == two
    weights, history = json.loads(one)
    assert len(list(own_cache.iterdir())) == 1
    model = network()
    loaded = fit_in_block(model, X, Y, callbacks=[stopping()], **ARGUMENTS)
    assert not trained
    assert loaded.history == history
    assert [np.asarray(v).tolist() for v in model.variables] == weights
