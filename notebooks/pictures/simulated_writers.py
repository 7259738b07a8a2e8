"""Draws simulated_writers.png: ten characters by four simulated writers."""

from pathlib import Path

import matplotlib.pyplot as plt

from helpers import plots
from helpers.handwriting.writers import Writer

CHARACTERS = "虎鱼森美囡国闲明犬炎"

if __name__ == "__main__":
    plots.use_style()
    pages = [Writer(2011, n).write(c) for n in range(4) for c in CHARACTERS]
    fig = plots.image_grid(pages, columns=len(CHARACTERS))
    target = Path(__file__).with_suffix(".png")
    fig.savefig(target, metadata={"Software": None})
    plt.close(fig)
