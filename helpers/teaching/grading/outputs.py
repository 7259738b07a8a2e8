"""Outputs of a student's cells, as a notebook file may hold them."""

import json
import re

FORMS = ("text/plain", "image/png", "image/jpeg")
"""Kinds of output that are kept: nothing that runs in the browser of who looks at it."""

MAX_TEXT, MAX_PICTURE, MAX_OUTPUTS = 20_000, 700_000, 50

MAX_ALL = 20_000_000
"""Characters of all outputs of a notebook."""

NO_BASE64 = re.compile(r"[^A-Za-z0-9+/=]")
"""What no written-out picture holds, and what could end its quotation marks."""


def plain_text(value, length):
    """At most `length` characters that every file can hold; "" if it is no text."""
    text = value[:length] if isinstance(value, str) else ""
    return text.encode("utf-8", "replace").decode("utf-8")


def clean(outputs):
    """Outputs as a notebook file may hold them; what else was sent is dropped."""
    kept = []
    outputs = outputs if isinstance(outputs, list) else []
    for output in outputs[:MAX_OUTPUTS]:
        if not isinstance(output, dict):
            continue
        kind = plain_text(output.get("output_type"), 20)
        if kind == "stream":
            name = plain_text(output.get("name"), 20)
            name = "stderr" if name == "stderr" else "stdout"
            text = plain_text(output.get("text"), 2 * MAX_TEXT)
            kept.append({"output_type": kind, "name": name, "text": text})
        elif kind in ("display_data", "execute_result"):
            data = output.get("data")
            data = data if isinstance(data, dict) else {}
            data = {form: plain_text(data[form], MAX_PICTURE) for form in FORMS if form in data}
            data |= {form: NO_BASE64.sub("", data[form]) for form in FORMS[1:] if form in data}
            about = output.get("metadata") if isinstance(output.get("metadata"), dict) else {}
            output = {"output_type": kind, "data": data, "metadata": _sizes(about, data)}
            if kind == "execute_result":
                output["execution_count"] = None
            kept.append(output)
        elif kind == "error":
            lines = output.get("traceback")
            lines = lines if isinstance(lines, list) else []
            kept.append(
                {
                    "output_type": kind,
                    "ename": plain_text(output.get("ename"), 200),
                    "evalue": plain_text(output.get("evalue"), 2000),
                    "traceback": [plain_text(line, 2000) for line in lines[:40]],
                }
            )
    return kept


def size(outputs):
    """About how many characters a file needs for them."""
    return len(json.dumps(outputs))


def _sizes(about, data):
    """Width and alternative text of pictures, as metadata of an output."""
    kept = {}
    for form in FORMS[1:]:
        said = about.get(form)
        if form not in data or not isinstance(said, dict):
            continue
        kept[form] = {"alt": plain_text(said.get("alt"), 500)}
        if isinstance(said.get("width"), int) and 0 < said["width"] <= 1000:
            kept[form]["width"] = said["width"]
    return kept
