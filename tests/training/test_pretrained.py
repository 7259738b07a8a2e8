"""data/pretrained: the network, what is said of it, and the script that makes it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from helpers.files import COURSE
from helpers.handwriting import compounds

FOLDER = COURSE / "data" / "pretrained"


@pytest.fixture(scope="module")
def about():
    return json.loads((FOLDER / "compounds.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def network():
    from helpers.quiet_keras import keras

    return keras.saving.load_model(FOLDER / "compounds.keras")


def run_script(script, *arguments):
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
    )


def test_size():
    assert (FOLDER / "compounds.keras").stat().st_size <= 3e6


def test_weights_are_those_that_the_record_describes(network, about):
    state = hashlib.sha256()
    for weight in network.get_weights():
        state.update(np.ascontiguousarray(weight).tobytes())
    assert state.hexdigest() == about["sha256 of the weights"]
    assert network.count_params() == about["parameters"]


def test_data_card(about):
    card = (COURSE / "data" / "README.md").read_text(encoding="utf-8")
    assert about["sha256 of the weights"] in card
    for words in (
        f"{about['parameters']:,} parameters",
        f"{about['training images']:,} images by {about['training writers']} ",
    ):
        assert words in card
    assert about["epochs"] == 10 and "ten epochs" in card


@pytest.mark.parametrize("part, first", [("validation", 1000), ("test", 2000)])
def test_accuracy_is_what_the_record_says(network, about, part, first):
    writers = range(first, first + about[f"{part} writers"])
    X, y = compounds.draw(writers)
    probabilities = network.predict(X / 127.5 - 1, batch_size=256, verbose=0)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-4)
    accuracy = (probabilities.argmax(1) == y).mean()
    assert accuracy == pytest.approx(about["accuracy"][part], abs=0.002)
    assert accuracy > 0.7


def test_no_code_is_in_the_file():
    """Layers of Keras alone: loading it runs nothing of anybody else's."""
    with zipfile.ZipFile(FOLDER / "compounds.keras") as archive:
        config = json.loads(archive.read("config.json"))
    modules = {layer["module"] for layer in config["config"]["layers"]}
    names = {layer["class_name"] for layer in config["config"]["layers"]}
    assert modules <= {"keras.layers", "keras"} and "Lambda" not in names


def test_the_script_makes_such_a_file(network, about, tmp_path):
    before = (FOLDER / "compounds.keras").read_bytes()
    done = run_script(FOLDER / "pretrain.py", "--try", "--to", str(tmp_path))
    assert done.returncode == 0, done.stderr
    made = json.loads((tmp_path / "compounds.json").read_text(encoding="utf-8"))
    assert made.keys() == about.keys()
    for name in ("what", "made by", "seed", "classes", "parameters"):
        assert made[name] == about[name]
    from helpers.quiet_keras import keras

    again = keras.saving.load_model(tmp_path / "compounds.keras")
    shapes = [[w.shape for w in net.get_weights()] for net in (network, again)]
    assert shapes[0] == shapes[1]
    assert (FOLDER / "compounds.keras").read_bytes() == before


def test_the_record_is_of_the_whole_training(about):
    sys.path.insert(0, str(FOLDER))
    try:
        import pretrain
    finally:
        sys.path.remove(str(FOLDER))
    assert about["training writers"] == len(pretrain.TRAINING)
    assert about["training images"] == 300 * len(pretrain.TRAINING)
    assert about["epochs"] == pretrain.EPOCHS
    assert about["seed"] == pretrain.SEED
    # Nobody's hand is in two parts.
    parts = pretrain.TRAINING, pretrain.VALIDATION, pretrain.TEST
    assert len(set().union(*parts)) == sum(map(len, parts))
    shutil.rmtree(FOLDER / "__pycache__", ignore_errors=True)
