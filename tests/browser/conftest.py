"""The fixture `browser`, for the tests of this folder alone: others open none."""

from browser import browser  # noqa: F401
