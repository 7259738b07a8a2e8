"""Photos of one's own for notebook 09: from a file or the camera, into data/photos.

    from helpers.explorers.camera import camera
    camera()

The page is helpers/explorers/camera.js. The photo never leaves the machine that the
notebook runs on.
"""

import base64
import io

from PIL import Image

from helpers import explorers
from helpers.files import CourseError, data_folder, write_file


def camera():
    """Show a button for a file and one for the camera; photos are saved by `save`.

    Where no page shows the notebook, a sentence takes their place. Raises CourseError where
    anywidget is missing.
    """
    from IPython.display import display

    widget = _widget()
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display(
        {
            "application/vnd.jupyter.widget-view+json": view,
            "text/plain": "Run this cell to choose a photo, or to take one.",
        },
        raw=True,
    )


def save(photo):
    """Write a photo as the next data/photos/mine-1.jpg, mine-2.jpg, ...; return its path.

    photo: a data URL of a JPEG, "data:image/jpeg;base64,...". Raises CourseError where it is
    none, or where the file cannot be written.
    """
    try:
        content = base64.b64decode(photo.partition("base64,")[2], validate=True)
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            image.load()
    except (ValueError, OSError) as error:
        raise CourseError("The page sent no whole photo: try again.") from error
    folder = data_folder() / "photos"
    number = 1
    while (path := folder / f"mine-{number}.jpg").exists():
        number += 1
    with write_file(path) as partial:
        partial.write_bytes(content)
    return path


def _widget():
    """The page as a widget: a photo comes in, a sentence goes out."""
    anywidget, traitlets = explorers.widget_packages("The camera")

    class Camera(anywidget.AnyWidget):
        _esm = (explorers.FOLDER / "camera.js").read_text(encoding="utf-8")
        photo = traitlets.Unicode().tag(sync=True, echo_update=False)
        said = traitlets.Unicode().tag(sync=True)

        @traitlets.observe("photo")
        def _save(self, change):
            try:
                self.said = f"Saved as {save(self.photo).name}: now run the next cell."
            except CourseError as error:
                self.said = str(error)

    return Camera()
