"""15 on real photos: CIFAR-10 as a folder and as Keras keeps it, cats and dogs, untidy ones."""

import io
import json
import pickle
import re
import zipfile

import nbformat
import numpy as np
import pytest
from environments import published_environment
from nbformat.v4 import new_code_cell
from notebook_tools import execute, lecture, text_of
from PIL import Image

from helpers import photos


def some_of(archive, target, most, part=""):
    """The first photos of each class of an archive, as files below a folder."""
    seen = {}
    with zipfile.ZipFile(archive) as whole:
        for name in sorted(n for n in whole.namelist() if n.endswith(".jpg") and part in n):
            folder = name.rpartition("/")[0]
            seen[folder] = seen.get(folder, 0) + 1
            if seen[folder] <= most:
                file = target / name.partition("/")[2]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(whole.read(name))
    return target


def cells_before(start):
    """The notebook, up to the cell that begins so."""
    notebook = nbformat.read(lecture("15"), as_version=4)
    end = next(n for n, c in enumerate(notebook.cells) if c.source.startswith(start))
    notebook.cells = notebook.cells[:end]
    return notebook


def printed(notebook, tmp_path, environment):
    """What it prints when it runs."""
    nbformat.write(notebook, tmp_path / "15.ipynb")
    return text_of(execute(tmp_path / "15.ipynb", tmp_path / "out.ipynb", environment))


def run(tmp_path, environment):
    """The notebook without its exercises: what it prints, the report, and whether both agree."""
    notebook = cells_before("## Exercises")
    ask = "import json\nprint('SCORES', json.dumps([float(score), len(names), len(torn)]))"
    notebook.cells.append(new_code_cell(ask))
    text = printed(notebook, tmp_path, environment)
    (report,) = (tmp_path / "data" / "reports").glob("*.html")
    page = report.read_text(encoding="utf-8")
    score, classes, torn = json.loads(re.search("SCORES (.*)", text)[1])
    assert torn == 0 and f" of them, {score:.1%} (" in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert report.name == "photos.html" and str(tmp_path) not in page
    return text, page, score, classes


@pytest.fixture
def here(tmp_path):
    """An environment with nothing but what a test puts into its data folder."""
    (tmp_path / "data").mkdir()
    return published_environment(tmp_path)


def test_cifar10_as_a_folder(real_data, here, tmp_path):
    archive = real_data / "photos" / "cifar-10-sample.zip"
    some_of(archive, tmp_path / "data" / "cifar-10", 30)
    text, _, score, classes = run(tmp_path, here)
    assert "300 photos, cifar-10: airplane, automobile, bird" in text  # of the part train alone
    assert classes == 10 and score > 0.3


def test_cifar10_as_keras_keeps_it(real_data, here, tmp_path):
    """Its own layout of batches, from the same photos."""
    rows, labels = [], []
    with zipfile.ZipFile(real_data / "photos" / "cifar-10-sample.zip") as whole:
        for name in whole.namelist():
            label = name.split("/")[-2]
            if "/train/" in name and int(name[-8:-4]) < 25:
                photo = np.asarray(Image.open(io.BytesIO(whole.read(name))).convert("RGB"))
                rows.append(photo.transpose(2, 0, 1).ravel())
                labels.append(photos.CIFAR10.index(label))
    folder = tmp_path / "keras" / "datasets" / "cifar-10-batches-py-target" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    batch = {b"data": np.stack(rows), b"labels": labels}
    (folder / "data_batch_1").write_bytes(pickle.dumps(batch, protocol=2))
    text, _, score, classes = run(tmp_path, here)
    assert "250 photos, CIFAR-10: airplane, automobile" in text
    assert classes == 10 and score > 0.3


def test_cats_and_dogs_in_an_untidy_folder(real_data, here, tmp_path):
    """Real photos, among them copies in both classes, and files that cannot be read."""
    archive = real_data / "photos" / "cats-dogs-sample.zip"
    folder = some_of(archive, tmp_path / "data" / "cats-dogs", 40)
    cats = sorted((folder / "cat").iterdir())
    Image.open(cats[0]).convert("RGB").save(folder / "cat" / "again.png")
    Image.open(cats[1]).convert("RGB").save(folder / "dog" / "not-a-dog.jpg", quality=60)
    (folder / "dog" / "broken.jpg").write_bytes(cats[2].read_bytes()[:700])
    (folder / "dog" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(12))
    before = {p: p.read_bytes() for p in folder.rglob("*.*")}
    text, page, score, classes = run(tmp_path, here)
    assert {p: p.read_bytes() for p in folder.rglob("*.*")} == before
    assert "dog/broken.jpg is damaged" in text and "dog/phone.heic is an HEIC photo" in text
    assert "dog/phone.heic is an HEIC photo" in page
    assert re.search(r"cat/001.jpg, cat/again.png.*: nearly the same photo, together", text)
    assert re.search(r"cat/002.jpg, dog/not-a-dog.jpg.*: nearly the same photo, left out", text)
    assert classes == 2 and score > 0.8


def test_a_class_that_is_too_small(here, tmp_path):
    """The crops are taken, and what was wrong with which file is said all the same."""
    folder = tmp_path / "data" / "photo-project"
    for name, count in (("cat", 6), ("猫狗", 2)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            noise = np.random.default_rng(number + count).integers(0, 256, (9, 9, 3), np.uint8)
            Image.fromarray(noise).resize((90, 60)).save(folder / name / f"{number}.png")
    for number in range(9):
        (folder / "猫狗" / f"{number}.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(12))
    text = printed(cells_before("counts = np.bincount(data.y)"), tmp_path, here)
    assert "Looking into photo-project" in text
    assert "Too few photos of 猫狗: give four, or none." in text
    assert "猫狗/0.heic is an HEIC photo" in text
    assert "The crops are taken instead." in text and "729 crops of 16 photos" in text
