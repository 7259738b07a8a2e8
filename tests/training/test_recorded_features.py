"""data/recorded: what notebook 14 shows over five seeds, and the script that scored it."""

import pandas as pd
import pytest
from support import module_of

from helpers import handwriting
from helpers.files import COURSE
from helpers.scores import mean_interval

FOLDER = COURSE / "data" / "recorded"
KEYS = ["experiment", "data", "way", "per_class", "seed", "on"]


@pytest.fixture(scope="module")
def recorded():
    return pd.read_csv(FOLDER / "features.csv")


@pytest.fixture(scope="module")
def script():
    return module_of(FOLDER / "features.py")


@pytest.fixture(scope="module")
def raced(recorded):
    """{(data, way, per class): accuracies on test of the five seeds}."""
    runs = recorded[(recorded["experiment"] == "race") & (recorded["on"] == "test")]
    return runs.groupby(["data", "way", "per_class"])["accuracy"].apply(list)


def test_every_score_has_seeds(recorded, script):
    assert set(recorded["experiment"]) == set(script.EXPERIMENTS)
    for key, rows in recorded.groupby([k for k in KEYS if k != "seed"]):
        assert sorted(rows["seed"]) == list(script.SEEDS), key
    assert recorded["accuracy"].between(0, 1).all()


def test_every_way_is_in_the_race(raced, script):
    for name, sizes in script.SIZES.items():
        for way in [*script.TABLES, "CNN"]:
            assert list(raced[name, way].index) == list(sizes), (name, way)


def test_data_card(recorded):
    card = (COURSE / "data" / "README.md").read_text(encoding="utf-8")
    assert f"| Size | {len(recorded)} scores" in card


def test_the_networks_have_learnt_their_images(recorded):
    """None of them has been stopped too early: "The CNN knows its training images"."""
    known = recorded[recorded["on"] == "training images"]
    assert set(known["way"]) == {"CNN"}
    assert known["accuracy"].mean() > 0.99
    assert known["accuracy"].min() > 0.9


def test_the_script_scores_the_beginning_again(recorded, script, simulated, monkeypatch):
    """The first seed with one image of each class; other machines come only near it."""
    for name in ("COURSE_CASIA", "COURSE_DATA", "COURSE_CACHE"):
        if name in simulated:
            monkeypatch.setenv(name, str(simulated[name]))
        else:
            monkeypatch.delenv(name, raising=False)
    assert not handwriting.get("default").real
    stored = recorded.set_index(KEYS)["accuracy"]
    tried = [key for key in script.race((1,)) if key[2] == 1]
    assert {key[0] for key in tried} == {"characters", "faces"}
    for *key, run in tried:
        if key[1].startswith("Lite0") and key[0] == "characters":
            continue  # the features of thousands of images: a minute
        for on, accuracy in run():
            assert accuracy == pytest.approx(stored["race", *key, on], abs=0.1), (key, on)


def test_what_the_notebook_says_in_words(recorded, raced):
    """Where prose states a finding of the recorded scores."""

    def lead(which, way, rival, n):
        pairs = zip(raced[which, way, n], raced[which, rival, n], strict=True)
        return mean_interval([a - b for a, b in pairs])

    mean = raced.apply(lambda runs: sum(runs) / len(runs))
    # "With few images, numbers that somebody thought of beat the CNN."
    for n in (3, 10):
        assert lead("characters", "HOG, logistic", "CNN", n)[1] > 0, n
    # "Shape is left behind."
    assert (
        mean["characters", "shape, logistic", 90] < mean["characters", "HOG, logistic", 90] - 0.05
    )
    # "One good number needs hardly an example. HOG starts near chance."
    assert mean["faces", "perimeter, logistic", 1] > 0.75
    assert mean["faces", "perimeter, logistic", 3] > 0.9
    assert mean["faces", "HOG, logistic", 1] < 0.65
    for way in ("CNN", "HOG, logistic", "Lite0, logistic"):
        assert mean["faces", way, 1] < mean["faces", "perimeter, logistic", 1], way
    # "Lite0 needs three photos of each, the CNN about ten."
    assert mean["faces", "Lite0, logistic", 3] > mean["faces", "perimeter, logistic", 3] - 0.02
    assert abs(mean["faces", "CNN", 10] - mean["faces", "perimeter, logistic", 10]) < 0.06
    # "What a classifier uses is far more than what it needs." "Beside HOG, shape matters little."
    matter = recorded[(recorded["experiment"] == "matter") & (recorded["data"] == "characters")]
    matter = matter.groupby(["way", "on"])["accuracy"].mean()
    loss = {way: matter[way, "everything"] - matter[way] for way in ("shape", "all")}
    for group in ("profiles", "diagonals"):
        assert loss["shape"][f"{group} permuted"] > 3 * loss["shape"][f"{group} left out"], group
    for group in ("area", "perimeter", "profiles", "height", "diagonals", "moments"):
        assert abs(loss["all"][f"{group} permuted"]) < 0.02, group
        assert abs(loss["all"][f"{group} left out"]) < 0.02, group
    # "The one number that wins with few photos fails on gravel."
    other = recorded[recorded["on"] == "textures"].groupby("way")["accuracy"].mean()
    assert other["perimeter, logistic"] < 0.5
    # "Moments keep most of what they have, which is little. Pixels lose nearly everything."
    moved = recorded[recorded["on"].str.startswith("moved")]
    moved = moved.groupby(["way", "on"])["accuracy"].mean()
    left = {way: moved[way, "moved 4"] / moved[way, "moved 0"] for way in ("CNN", "HOG, logistic",
            "moments, logistic", "pixels, logistic")}  # fmt: skip
    assert max(left, key=left.get) == "moments, logistic" and left["moments, logistic"] > 0.6
    assert min(left, key=left.get) == "pixels, logistic" and left["pixels, logistic"] < 0.3
    assert moved["moments, logistic", "moved 0"] < moved["HOG, logistic", "moved 0"] - 0.2
