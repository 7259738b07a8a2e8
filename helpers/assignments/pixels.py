"""What is drawn for each student in assignment 1: a mystery layer."""


def draw(draws):
    """Everything of assignment 1 that is drawn for a student."""
    kernel = draws.array(-9, 9, (3, 3, 1, 2)) / 4
    return {"_kernel": kernel, "bias": [draws.whole(-9, 9) / 2 for _ in range(2)]}
