"""Drive a real browser in tests: Playwright's Python package and Chromium.

Playwright's own browsers are not used: any installed Chromium, Chrome or Edge does.
Every test of this folder can have the fixture `browser`. What a cell shows is opened
in it so:

    with opened(browser, page_of(shown(kernels, images))) as page:
        page.get_by_label("Stride").select_option("2")
"""

import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from unittest import mock

import pytest
from support import skip_or_fail

from helpers.teaching.handouts.handouts import browser_options, find_browser

ADDRESS = "http://explorer.test/"
"""Where test pages appear to be; nothing leaves the browser."""


@contextmanager
def started():
    """Yield a headless browser, or None where there is none or no Playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        yield None
        return
    path = find_browser()
    if path is None:
        yield None
        return
    with sync_playwright() as playwright:
        # As a user's window: Playwright's own headless mode hides scroll bars, and
        # JupyterLab's button below a notebook.
        browser = playwright.chromium.launch(
            executable_path=path, headless=False, args=["--headless=new", *browser_options()]
        )
        yield browser
        browser.close()


# Not for the whole session: while it is open, Playwright's event loop counts as
# running, and other tests start loops of their own.
@pytest.fixture(scope="module")
def browser():
    """A headless Chromium, Chrome or Edge."""
    with started() as found:
        if found is None:
            skip_or_fail(
                "there is no browser to drive: install Chromium, Chrome or Edge "
                "(on Debian: apt-get install chromium) and Python's playwright"
            )
        yield found


def shown(show, *arguments, **settings):
    """The HTML that the call show(*arguments, **settings) displays in a cell."""
    with mock.patch("IPython.display.display") as display:
        show(*arguments, **settings)
    return "\n".join(call.args[0].data for call in display.call_args_list)


def page_of(*outputs, style=""):
    """An HTML page with these outputs below each other, as an export has them."""
    body = "\n".join(f"<div>{output}</div>" for output in outputs)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Test</title><style>{style}</style></head>"
        f"<body>{body}</body></html>"
    )


@contextmanager
def opened(browser, html, *, width=1280, height=720, **context):
    """Yield a page that shows `html`. Fails if it logs an error or asks for a file.

    width, height: of the window in pixels. context: more settings of Playwright's
    `new_context`, such as java_script_enabled=False.
    """
    faults = []

    def answer(route):
        if route.request.url == ADDRESS:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        else:
            faults.append(f"asked for {route.request.url}")
            route.abort()

    window = browser.new_context(viewport={"width": width, "height": height}, **context)
    try:
        page = window.new_page()
        page.set_default_timeout(10_000)  # ms
        note_errors(page, faults)
        page.route("**", answer)
        page.goto(ADDRESS)
        yield page
        assert not faults, faults
    finally:
        window.close()


def note_errors(page, faults, unless_from=None):
    """Append to the list `faults` what a page throws or writes as an error.

    unless_from: a compiled pattern; what scripts whose address it matches write to
        the console does not count.
    """

    def note(line):
        script = line.location.get("url", "")
        known = unless_from is not None and unless_from.search(script)
        if line.type == "error" and not known:
            faults.append(line.text)

    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", note)


GRAVE = "serious", "critical"


def serious(page, part=None):
    """Findings of axe-core on a Playwright page, serious and critical ones alone.

    part: a CSS selector; what lies outside of it is not judged. Returns a list of
    sentences, each with the rule and the element; an empty list is a pass.
    """
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        skip_or_fail("axe-core is not installed: python -m pip install -r tests/requirements.txt")
    # Without "preload", axe-core would ask for style sheets of its own accord.
    options = {"resultTypes": ["violations"], "preload": False}
    found = Axe().run(page, context=part, options=options).response
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:120]} {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


@contextmanager
def lab_server(folder, environment=None):
    """Yield a function from a notebook's name to its address in a JupyterLab.

    The server is started for this, on this machine only, with a token, and serves
    `folder`; it knows no settings of whoever runs the tests. environment: variables
    for it and for its kernels; by default those of this process.
    """
    with socket.create_server(("127.0.0.1", 0)) as anyone:
        port = anyone.getsockname()[1]
    token = secrets.token_hex()
    settings = folder / "settings"
    variables = {
        **(os.environ if environment is None else environment),
        "IPYTHONDIR": str(settings / "ipython"),
    }
    for name in (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
    ):
        variables[name] = str(settings / name.lower())
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
        *("--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"),
        f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *["--allow-root"] * (hasattr(os, "getuid") and os.getuid() == 0),
    ]
    with (folder / "log.txt").open("w+") as log:
        server = subprocess.Popen(command, env=variables, stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 60
            while not _answers(port, token):
                if server.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    pytest.fail(f"JupyterLab did not start:\n{log.read()}")
                time.sleep(0.2)
            start = f"http://127.0.0.1:{port}/lab/tree/"
            yield lambda notebook: f"{start}{notebook}?token={token}"
        finally:
            server.terminate()
            server.wait(30)


def _answers(port, token):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", f"/api/status?token={token}")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
