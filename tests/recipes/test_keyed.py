import keras
import numpy as np
import pytest

from tfwm.export import verify
from tfwm.protection import load_keyed
from tfwm.recipes import keyed, keyed_report, parts
from tfwm.recipes.registry import config_files
from tfwm.recipes.translation import build_task_loss, build_translator
from tfwm.training import ConfigError

recipe = keyed.RECIPE
FILES = config_files("keyed")
SECRET = "demonstration secret, not for use"
SMALL = [
    'photos=["bundled:train"]',
    "crop_size=32",
    "crops_per_photo=2",
    "batch_size=4",
    "width=4",
    "extractor_width=4",
    "watermark=flower",
    "watermark_size=16",
    "steps=4",
    "steps_per_epoch=2",
]


def config_of(file, output, *words):
    return recipe.load(file, [*SMALL, f"output={output}", f"name={output.name}", *words])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_recipe_is_sound(file):
    config = recipe.load(file)
    assert config.output.split("/")[-1] == config.name
    assert (config.width >= 64) == (not config.key)
    attack = parts.build_attack(config, config.attacks, config.attack_per)
    names = {type(part).__name__ for part in attack.attacks[0].attacks}
    ours = set() if file.stem == "paper-short" else {"JPEG", "Resize", "Mirror"}
    assert names == {"Identity", "RandomResizedCrop", "GaussianNoise", *ours}
    # Networks of the file's kind that fit each other, narrower.
    config = recipe.load(file, ["width=4", "extractor_width=4", "depth=4"])
    host, extractor = keyed.build_host(config), keyed.build_extractor(config)
    assert host.output.shape[-1] == extractor.input["image"].shape[-1]
    assert build_task_loss(config.task_loss)


def test_defaults_are_the_papers():
    config = recipe.config()
    assert (config.crop_size, config.watermark_size, config.block) == (256, 64, 4)
    weights = config.marked_weight, config.unmarked_weight, config.wrong_key_weight
    assert weights == (1.0, 0.5, 0.5) and config.flipped_bits == 8


def test_losses_and_start(tmp_path):
    """Both stages begin with the same host; watermark terms are squared errors."""
    words = ["precision=float32", "attacks=[]", "rounding_noise=0"]
    config = config_of("quick", tmp_path / "run", *words)
    hosts = []
    for marked in (False, True):
        keras.utils.set_random_seed(0)
        if marked:
            trainer = keyed.build_trainer(config)
        else:
            trainer = build_translator(lambda: keyed.build_host(config), lambda: ("mae", 1), config)
        hosts.append((trainer.host if marked else trainer.network).get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*hosts, strict=True))
    pairs = {
        "input": np.random.default_rng(0).random((4, 8, 8, 3), np.float32),
        "target": np.random.default_rng(1).random((4, 32, 32, 3), np.float32),
    }
    trainer.run_eagerly = True  # one batch: cheaper than its graph
    logs = trainer.evaluate(pairs, batch_size=4, verbose=0, return_dict=True)
    outputs = {name: np.asarray(value) for name, value in trainer(pairs).items()}
    marked = np.mean((outputs["marked"] - trainer.watermark) ** 2)
    unmarked = np.mean((outputs["unmarked"] - 0.5) ** 2)
    task = np.abs(outputs["output"] - pairs["target"]).mean()
    assert logs["marked_loss"] == pytest.approx(marked, rel=1e-3)
    assert logs["unmarked_loss"] == pytest.approx(unmarked, rel=1e-3)
    expected = config.task_weight * task + marked + 0.5 * unmarked + 0.5 * logs["wrong_key_loss"]
    assert logs["loss"] == pytest.approx(expected, rel=1e-3)


def test_fine_tuning_is_simulated_if_it_has_a_weight(tmp_path):
    words = ["fine_tuned_weight=2", "fine_tuning_steps=7", "fine_tuning_rate=1e-3"]
    config = config_of("quick", tmp_path / "run", *words)
    trainer = keyed.build_trainer(config)
    assert (trainer.fine_tuned.steps, trainer.fine_tuned.learning_rate) == (7, 1e-3)
    assert trainer.fine_tuned.host is trainer.host
    pair = {"input": np.full((2, 8, 8, 3), 0.5, "f4"), "target": np.full((2, 32, 32, 3), 0.5, "f4")}
    trainer.build({name: images.shape for name, images in pair.items()})
    weights = trainer.get_weights()
    logs = trainer.train_on_batch(pair, return_dict=True)
    trainer.set_weights(weights)
    config.fine_tuned_weight = 0.0
    plain = keyed.build_trainer(config)
    assert plain.fine_tuned is None and logs["fine_tuned_loss"] > 0
    parts = {"output": config.task_weight, "marked": 1, "unmarked": 0.5, "wrong_key": 0.5}
    expected = sum(weight * logs[f"{name}_loss"] for name, weight in parts.items())
    assert logs["loss"] == pytest.approx(expected + 2 * logs["fine_tuned_loss"], rel=1e-3)


def test_innocent_networks_train_beside(tmp_path):
    config = config_of(
        "quick", tmp_path / "run", "innocent_steps=50", 'innocent_structures=["cnet","resnet"]'
    )
    trainer = keyed.build_trainer(config)
    assert [layer.steps for layer in trainer.innocent] == [50] * 2
    pair = {"input": np.full((2, 8, 8, 3), 0.5, "f4"), "target": np.full((2, 32, 32, 3), 0.5, "f4")}
    logs = trainer.train_on_batch(pair, return_dict=True)
    parts = {"output": config.task_weight, "marked": 1, "wrong_key": 0.5}
    parts |= dict.fromkeys(("unmarked", "innocent"), config.unmarked_weight)
    expected = sum(weight * logs[f"{name}_loss"] for name, weight in parts.items())
    assert logs["loss"] == pytest.approx(expected, rel=1e-3)
    outputs = trainer(pair)
    np.testing.assert_array_equal(outputs["innocent"], outputs["unmarked"])  # not in training


def test_where_the_key_comes_from(tmp_path, monkeypatch):
    monkeypatch.delenv("TFWM_KEY", raising=False)
    config = config_of("quick", tmp_path / "run")
    assert keyed.read_key(config) == config.key
    config.key = ""
    with pytest.raises(ConfigError, match="Expected the owner's key"):
        keyed.read_key(config)
    monkeypatch.setenv("TFWM_KEY", "the secret of the environment")
    assert keyed.read_key(config) == "the secret of the environment"
    (tmp_path / "my.key").write_text(SECRET + "\n")
    config.key_file = str(tmp_path / "my.key")
    assert keyed.read_key(config) == SECRET
    config.key = "the demonstration that the file replaces"
    assert keyed.read_key(config) == SECRET
    config.key_file = str(tmp_path / "none")
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        keyed.read_key(config)


@pytest.mark.slow
def test_whole_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(keyed_report, "PROOF_KEYS", 19)
    output = tmp_path / "tiny"
    (tmp_path / "my.key").write_text(SECRET + "\n")
    words = [*SMALL, f"output={output}", "name=tiny", "key=", 'test_photos="bundled:train"']
    words.append(f"key_file={tmp_path / 'my.key'}")
    assert recipe.main(words) == 0
    out = capsys.readouterr().out.strip().splitlines()
    assert out[-1].startswith("tiny SSIM ")
    page = (output / "report.html").read_text()
    assert page.count("data:image/png") == 3 * 9 + 2 and "super-resolution (Fig. 5)" in page
    for name in ("readings", "damages", "wrong-keys", "task", "robustness", "likeness"):
        assert (output / f"{name}.csv").read_text().startswith("# tfwm train keyed")
    plots = {path.name for path in (output / "plots").iterdir()}
    assert plots == {"wrong-keys.png", "robustness.png", "keyed-fig5.png"}
    # The secret is in no file of the run.
    for path in output.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
    assert verify(output / "tiny").passed
    reader = load_keyed(output / "tiny").reader(SECRET)
    outputs = np.asarray(load_keyed(output / "tiny").host(np.full((1, 8, 8, 3), 0.5, "float32")))
    assert outputs.shape == (1, 32, 32, 3) and np.isfinite(reader.similarity(outputs)).all()
    # Another start is refused, another end resumed.
    assert recipe.main(words) == 2 and "--resume" in capsys.readouterr().err
    config = recipe.load("quick", [*words, "steps=6"])
    *_, resumed = recipe.train(config, resume=True)
    assert resumed.bits == reader.bits


@pytest.mark.slow
@pytest.mark.parametrize("file", ["colorize", "super-resolve", "derain"])
def test_papers_full_setting_takes_a_step(file, tmp_path):
    words = ['photos=["bundled:train"]', 'test_photos="bundled:test"', f"output={tmp_path}"]
    words += [f"key={SECRET}", "batch_size=2", "steps=1", "steps_per_epoch=1"]
    config = recipe.load(file, words)
    unmarked, host, reader = recipe.train(config)
    assert reader.image_size == (256, 256) and reader.bits == 256
    before, after = unmarked.get_weights()[0], host.get_weights()[0]
    assert np.isfinite(after).all() and not np.array_equal(before, after)


@pytest.mark.parametrize(
    "words, message",
    [
        (["host=vgg"], "Expected a host of unet, resnet, super_resolver"),
        (['task={ name = "Derain" }'], "a task whose input is small"),
        (["task_loss=l3"], "Expected a task_loss of l1, l2, perceptual"),
        (["attack_per=slice"], "Expected an attack_per of image, batch"),
        (["key=short"], "at least 16 bytes"),
        (["innocent_steps=-1"], "Expected innocent_steps of 0 or more"),
        (
            ["innocent_steps=9", "crop_size=36"],
            "innocent networks halve to, 8. Received: crop_size=36",
        ),
        (["fine_tuning_steps=10"], "'fine_tuning_steps' has no effect without a fine_tuned_weight"),
        (["fine_tuned_weight=1", "fine_tuning_steps=0"], "Expected fine_tuning_steps above 0"),
        (["steps=0"], "Expected steps above 0"),
        (["test_photos=none-such"], "no such folder"),
        # Of the second stage
        (["watermark=rose"], "Received: 'rose'"),
        (["watermark_size=24"], "multiples of the watermark's"),
        (["keying=none"], "Received: keying='none'"),
        (["attacks=Jpg"], "Jpg"),
        (["flipped_bits=0"], "Expected at least 1 flipped bit"),
        (["gain=0.5"], "Expected gain and gain_steps of at least 1"),
    ],
)
def test_bad_settings_are_refused(words, message, refuses):
    refuses(recipe, [*SMALL, *words], message)
