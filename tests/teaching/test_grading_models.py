"""What is no network is not rebuilt: configurations that would run or fetch something."""

import pytest

from helpers.teaching.grading import values


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": "Lambda", "module": "keras.layers", "config": {}},
        {"class_name": "Popen", "module": "subprocess", "config": {}},
        {"class_name": "TFSMLayer", "module": "keras.layers", "config": {}},
        {"class_name": "Dense", "module": "mine", "config": {}},
        {
            "class_name": "Dense",
            "module": "keras.layers",
            "registered_name": "mine>Dense",
            "config": {},
        },
        {"class_name": "Popen", "config": {}},
        # Functions and other things of Keras, of which no model is made.
        {"class_name": "load_model", "module": "keras.models"},
        {"class_name": "Variable", "module": "keras", "config": {}},
        {"class_name": "deserialize", "module": "keras.layers"},
        {"class_name": ["Dense"], "module": "keras.layers"},
        {"class_name": "Dense", "module": ["keras.layers"]},
        {
            "class_name": "function",
            "module": "builtins",
            "config": "deserialize",
        },
        [{"config": {"layers": [{"class_name": "get_file", "module": "keras.utils"}]}}],
    ],
)
def test_strange_models_are_refused(config):
    with pytest.raises(values.RefusedModel):
        values._refuse_strangers(config)
