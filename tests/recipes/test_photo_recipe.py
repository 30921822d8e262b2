import dataclasses
import json

import pytest

from tfwm.recipes import parts, photo
from tfwm.recipes.registry import config_files

recipe = photo.RECIPE
FILES = config_files("photo")
SMALL = [
    'photos=["bundled:test"]',
    "crop_size=48",
    "patches_per_photo=8",
    "batch_size=4",
    "width=8",
    "depth=1",
    "steps=4",
    "steps_per_epoch=2",
    "jit_compile=false",
    'attacks=[{name="GaussianNoise", stddev=0.02}]',
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_recipe_builds(file):
    config = recipe.load(file)
    trainer = recipe.build_model(dataclasses.replace(config, width=8))
    choice = trainer.attack.attacks[0]
    count = 14 if file.stem == "cpu-dense" else 13
    assert choice.per == "slice" and len(choice.attacks) == len(config.attacks) == count
    assert trainer.hold_psnr.penalty == "relative"


def test_names_of_attacks_go_into_chains():
    config = recipe.load(FILES[0])
    names = parts.attack_names(config.attacks)
    assert "Chain" not in names and {"Gamma", "Affine", "JPEG"} <= set(names)
    assert len(names) == len(set(names))


def test_run_resumes_and_exports(tmp_path, capsys):
    output = tmp_path / "run"
    words = [*SMALL, f"output={output}", "name=tiny"]
    recipe.train(recipe.load(None, [*words, "steps=2"]))
    trainer = recipe.train(recipe.load(None, words), resume=True)
    assert int(trainer.optimizer.iterations) == 4
    config = recipe.load(None, words)
    card = recipe.make_card(config, "quick.toml")
    assert card["geometry"]["patch"] == [8, 8] and "GaussianNoise" in card["description"]
    assert json.dumps(card)


@pytest.mark.parametrize(
    "words, message",
    [
        (["crop_size=50"], "multiple of a cell's side, 8"),
        (["depth=0"], "depth above 0"),
        (['attacks=[{name="Chain", attacks=[{name="Jpeg"}]}]'], "did you mean 'JPEG'"),
        (["psnr_penalty=mse"], "penalty"),
        (["phases=40"], "reach of phases from 0 to 12"),
        (["phases=6", "training_phases=[6]"], "Expected training_phases=[reach, deviation]"),
        (["phases=6", "training_phases=[12, 3.0]"], "2 * reach * deviation up to 48"),
    ],
)
def test_bad_settings_give_one_line(words, message, refuses):
    refuses(recipe, [*SMALL, *words], message)
