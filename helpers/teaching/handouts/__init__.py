"""Notebooks as slides, pages and PDFs that need no network: `python -m helpers handouts`."""
