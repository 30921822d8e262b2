"""What recipes for image-to-image networks share: their task, their crops, their training."""

import functools

import tensorflow as tf

from tfwm import data, losses, metrics
from tfwm.data.tasks import build_task
from tfwm.models import translators
from tfwm.recipes import parts
from tfwm.recipes.config import check_multiple, refuse
from tfwm.recipes.fit import fit
from tfwm.training import ConfigError, Innocent, TellSkipped, TranslationTrainer
from tfwm.training.distribute import worker

LOSSES = ("l1", "l2", "perceptual")
# Networks of others that learn beside a marked one: functions of channels in and out.
INNOCENT_DEPTH = 3
INNOCENT = {
    "unet": functools.partial(translators.build_unet, width=16, depth=INNOCENT_DEPTH),
    "cnet": functools.partial(translators.build_resnet, 0, width=16),
    "resnet": functools.partial(translators.build_resnet, 1, width=16, residual=True),
}
# The trained network, in a stage's folder.
NETWORK = "network.keras"


def check_task(config):
    """Raise ValueError for a task or test photos that cannot be used."""
    if not config.adversarial_weight:
        refuse(config, parts.CRITIC, "has no effect without an adversarial_weight")
    # Structures stay as a recipe has them: innocent_steps=0 alone switches the networks off.
    if config.innocent_steps:
        unknown = [name for name in config.innocent_structures if name not in INNOCENT]
        if unknown or not config.innocent_structures:
            raise ConfigError(
                f"Expected innocent_structures among {', '.join(INNOCENT)}. "
                f"Received: {config.innocent_structures}"
            )
        check_multiple(config, "what innocent networks halve to", 2**INNOCENT_DEPTH)
    read_crops(config, config.test_photos, 1)


def build_attack(config):
    """Return the attack on images before they are read, or `None`.

    It is drawn for an image or a batch: runs of images would give marked ones and others different
    attacks.
    """
    if not (config.attacks or config.rounding_noise):
        return None
    return parts.build_attack(config, config.attacks, config.attack_per)


def build_task_loss(name):
    """Return the Keras loss of a name in `LOSSES`."""
    return {"l1": "mae", "l2": "mse"}.get(name) or losses.PerceptualLoss()


def read_crops(config, photos, per_photo=None, part=(0.0, 1.0)):
    """Return crops of photos, see `tfwm.data.task_crops`; by default `crops_per_photo` of each."""
    task, per_photo = build_task(config.task), per_photo or config.crops_per_photo or None
    return data.task_crops(
        photos, task, config.crop_size, config.seed, per_photo, config.whole, part
    )


def open_crops(config, part=(0.0, 1.0), photos=None):
    """Return the function of a seed to the `CropStream` of a part of the config's photos.

    With `photos`, of these instead: sources of images that are no pairs.
    """
    task = build_task(config.task)
    channels = task.channels_out if photos else task.channels_photo
    photos = data.open_photos(photos, channels) if photos else task.open(config.photos)
    low, high = (round(share * len(photos)) for share in part)
    if low == high:
        raise ValueError(f"Expected photos. Received: none in part={part} of {config.photos!r}")
    return lambda seed: data.CropStream(
        photos[low:high],
        config.crop_size,
        config.batch_size,
        channels,
        config.crops_per_photo or None,
        config.whole,
        "left-right",
        seed,
        worker(),
    )


def fit_pairs(build_trainer, config, folder, crops, change=None, seed=None, others=None):
    """Fit a trainer of pairs, see `fit`; return it.

    Args:
        build_trainer: function without arguments to the compiled trainer.
        config: settings.
        folder: where checkpoints and log go.
        crops: what `open_crops` returns.
        change: function of a pair to the pair that is trained on.
        seed: of the order of the pairs and of what is drawn for them; by default the config's.
        others: what `open_crops` returns, of images that pairs hold as `"other"`.
    """
    task, seed = build_task(config.task), config.seed if seed is None else seed
    streams = [crops(seed) for crops in (crops, others) if crops]

    def make_data(first_step):
        pairs = data.pair_dataset(streams[0], task, first_step)
        if others:
            both = tf.data.Dataset.zip(pairs, streams[1].dataset(first_step))
            pairs = both.map(lambda pair, other: {**pair, "other": other})
        return pairs.map(change) if change else pairs

    shapes = {name: tuple(spec.shape) for name, spec in make_data(0).element_spec.items()}
    skipped = [TellSkipped(stream) for stream in streams]
    return fit(build_trainer, shapes, config, folder, make_data, callbacks=skipped)


def build_innocent(config):
    """Return the networks that learn beside and never see a mark: a list of `Innocent` layers."""
    if not config.innocent_steps:
        return []
    channels = [build_task(config.task).channels_out] * 2
    with parts.precision(config):
        networks = [INNOCENT[name](*channels) for name in config.innocent_structures]
    return [
        Innocent(network, "mae", config.innocent_steps, seed=config.seed + number)
        for number, network in enumerate(networks)
    ]


def build_translator(build_network, build_loss, config):
    """Return the compiled trainer of an image-to-image network alone.

    Args:
        build_network: function without arguments to the untrained network.
        build_loss: the same to a loss and its weight, or to a list of each.
        config: settings; an `adversarial_weight` adds a critic of `width`.
    """
    with parts.precision(config):
        network = build_network()
    adversary = parts.build_patch_adversary(config, build_task(config.task).channels_out)
    trainer = TranslationTrainer(network, adversary)
    loss, weight = build_loss()
    trainer.compile(
        parts.build_optimizer(config, adversary),
        loss={"output": loss},
        loss_weights={"output": weight},
        metrics={"output": [metrics.PSNR()]},
        jit_compile=parts.with_xla(config),
    )
    return trainer


def train_translator(build_network, build_loss, config, folder, crops, change=None, seed=None):
    """Train an image-to-image network alone; return it in float32, as it is saved in the folder.

    Args:
        build_network: see `build_translator`, also for `build_loss`.
        config: see `fit_pairs`, also for what follows.
    """
    trainer = fit_pairs(
        lambda: build_translator(build_network, build_loss, config),
        config,
        folder,
        crops,
        change,
        seed,
    )
    network = build_network()
    network.set_weights(trainer.network.get_weights())
    network.save(folder / NETWORK)
    return network
