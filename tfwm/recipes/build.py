"""From a recipe's settings to its parts: data, attacks, losses, optimizer, trainer."""

import contextlib
import difflib

import keras
import numpy as np
import tensorflow as tf

from tfwm import attacks, data, losses, metrics
from tfwm.losses import AdversarialLoss, HoldPSNR
from tfwm.models.critic import build_patch_critic
from tfwm.training import ConfigError, WatermarkTrainer


def cut_source(config, source):
    """Returns the patches `(n, crop_size, crop_size, channels)` of one entry of `photos`."""
    photos = read_source(config, source)
    return data.cut_patches(photos, config.crop_size, config.seed, config.patches_per_photo or None)


def fit_source(config, source):
    """The same for networks of whole photos: these, and parts of them, squeezed."""
    photos = read_source(config, source)
    return data.fit_photos(photos, config.crop_size, config.seed, config.patches_per_photo or 1)


def read_source(config, source):
    """Returns the photos of one entry of `photos`."""
    return data.read_photos(source, config.channels)


def build_data(config, first_epoch=0, cut=cut_source):
    """Returns the endless training batches from the one on with which an epoch begins."""
    parts = [cut(config, source) for source in config.photos]
    patches = np.random.default_rng(config.seed).permutation(np.concatenate(parts))
    first_step = first_epoch * config.steps_per_epoch
    return data.patch_dataset(patches, config.batch_size, config.seed, first_step)


def build_validation_data(config, cut=cut_source):
    """Returns the fixed batches for validation, or `None`."""
    if not config.validation_photos:
        return None
    patches = np.concatenate([cut(config, source) for source in config.validation_photos])
    batches = len(patches) // config.batch_size
    if not batches:
        raise ConfigError(
            f"Expected validation_photos for a batch of {config.batch_size}. "
            f"Received: {len(patches)} crops"
        )
    return data.patch_dataset(patches, config.batch_size, config.seed, augment=False).take(batches)


def build_attack(config, tables, per):
    """Returns the attack layer between embedder and extractor.

    Args:
        config: a `RunConfig`.
        tables: its `attacks` or `validation_attacks`.
        per: see `tfwm.attacks.RandomChoice`.
    """
    weights = [table.get("weight", 1) for table in tables]
    layers = [_attack(table) for table in tables]
    parts = [attacks.RandomChoice(layers, weights, per=per)] if layers else []
    if config.rounding_noise:
        parts.append(attacks.GaussianNoise(config.rounding_noise))
    return attacks.Chain(parts, seed=config.seed)


def _attack(table):
    arguments = {key: value for key, value in table.items() if key not in ("name", "weight")}
    name = table.get("name")
    if name not in attacks.__all__:
        known = {known.lower(): known for known in attacks.__all__}
        near = difflib.get_close_matches(str(name).lower(), known, 1, 0.0)[0]
        raise ConfigError(f"Unknown attack {name!r}; the nearest is {known[near]!r}")
    if "attacks" in arguments:
        arguments["attacks"] = [_attack(part) for part in arguments["attacks"]]
    if "attack" in arguments:
        arguments["attack"] = _attack(arguments["attack"])
    try:
        return getattr(attacks, name)(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"Attack {name}: {error}") from error


def attack_names(tables):
    """Returns the names of the attacks in a config's tables, each once, parts of chains too."""
    names = {}
    for table in tables:
        parts = table.get("attacks") or ([table["attack"]] if "attack" in table else None)
        names.update(dict.fromkeys(attack_names(parts) if parts else [table["name"]]))
    return list(names)


def psnr_ramp_steps(config):
    """Returns for how many steps the PSNR that is held rises; 0 if none is held."""
    return int(config.steps * config.psnr_ramp) if config.psnr else 0


def build_hold_psnr(config):
    """Returns the `HoldPSNR` of a config, or `None`."""
    if not config.psnr:
        return None
    return HoldPSNR(
        config.psnr,
        config.psnr_start,
        max(1, psnr_ramp_steps(config)),
        config.psnr_rate,
        config.psnr_multiplier,
        config.psnr_penalty,
    )


def build_patch_adversary(config, channels, width, weight):
    """Returns the `AdversarialLoss` of a PatchGAN, or `None` for a weight of 0."""
    if not weight:
        return None
    with precision(config):
        critic = build_patch_critic(channels, width)
    return AdversarialLoss(critic, weight)


def build_trainer(
    config, embedder, extractor, message_shape, critic=None, balance=None, alignment=None
):
    """Returns the compiled trainer.

    Args:
        config: a `RunConfig`.
        embedder: see `WatermarkTrainer`.
        extractor: see `WatermarkTrainer`.
        message_shape: shape of one message for a crop.
        critic: adversary for an `adversarial_weight` above 0, see `AdversarialLoss`.
        balance: `LossBalance` in place of the config's losses of image and message.
        alignment: see `WatermarkTrainer`.
    """
    tables = config.validation_attacks
    validation_attack = build_attack(config, tables, "slice") if tables else None
    trainer = WatermarkTrainer(
        embedder,
        extractor,
        message_shape=message_shape,
        attack=build_attack(config, config.attacks, config.attack_per),
        validation_attack=validation_attack,
        hold_psnr=build_hold_psnr(config),
        adversary=AdversarialLoss(critic, config.adversarial_weight) if critic else None,
        balance=balance,
        alignment=alignment,
        strength=config.strength,
        seed=config.seed,
    )
    embedder.trainable = config.train_embedder
    loss, weights = {}, {}
    if balance is None:
        loss["logits"] = losses.MessageLoss(config.message_loss)
        weights["logits"] = config.message_weight
        if config.image_weight:
            loss["watermarked"] = _image_loss(config)
            weights["watermarked"] = config.image_weight
    # Not with XLA over several replicas.
    single = tf.distribute.get_strategy().num_replicas_in_sync == 1
    trainer.compile(
        optimizer=build_optimizer(config),
        loss=loss or None,
        loss_weights=weights or None,
        metrics={"watermarked": [metrics.PSNR()], "logits": [metrics.BitErrorRate()]},
        jit_compile=config.jit_compile and single,
    )
    return trainer


def _image_loss(config):
    if config.image_loss == "ssim":
        return losses.SSIMLoss()
    if config.image_loss == "mse":
        return keras.losses.MeanSquaredError()
    raise ConfigError(f'image_loss is "ssim" or "mse". Received: {config.image_loss!r}')


def with_weights_of(trainer, networks):
    """Returns embedder and extractor, of another tile or precision, with a trainer's weights."""
    for network, trained in zip(networks, (trainer.embedder, trainer.extractor), strict=True):
        network.set_weights(trained.get_weights())
    return networks


@contextlib.contextmanager
def precision(config):
    """Within it, networks are built that compute in the config's precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(config.precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def build_optimizer(config):
    """Returns the optimizer with its learning rate schedule."""
    rate = config.learning_rate
    if config.schedule == "cosine":
        warmup = min(200, config.steps // 10)
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 100, config.steps - warmup, 0.01, warmup_target=rate, warmup_steps=warmup
        )
    elif config.schedule != "constant":
        raise ConfigError(f'schedule is "constant" or "cosine". Received: {config.schedule!r}')
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=config.momentum)
    if config.optimizer == "adam":
        return keras.optimizers.Adam(rate, beta_2=0.995, global_clipnorm=1.0)
    raise ConfigError(f'optimizer is "sgd" or "adam". Received: {config.optimizer!r}')
