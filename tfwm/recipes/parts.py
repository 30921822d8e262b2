"""From settings to parts: data, attacks, losses, optimizer."""

import contextlib
import functools

import keras
import numpy as np
import tensorflow as tf

from tfwm import attacks, data
from tfwm.checks import nearest
from tfwm.losses import AdversarialLoss, HoldPSNR, VisibleError
from tfwm.models.critic import build_patch_critic
from tfwm.training import ConfigError, EarlyStopping
from tfwm.training.critic_optimizer import CriticOptimizer
from tfwm.training.distribute import worker

# Settings of a critic.
CRITIC = ("critic_loss", "critic_optimizer", "critic_learning_rate", "critic_clip_value")
# Settings of `HoldPSNR`, not of `tfwm.models.held.HeldResidual`.
MULTIPLIER = ("psnr_rate", "psnr_multiplier", "psnr_penalty")


def cut_source(config, source):
    """Return the patches `(n, crop_size, crop_size, channels)` of one entry of `photos`."""
    photos = data.read_photos(source, config.channels)
    return data.cut_patches(photos, config.crop_size, config.seed, config.patches_per_photo or None)


def fit_source(config, source):
    """Return the same for networks of whole photos: these, and parts of them, squeezed."""
    photos = data.read_photos(source, config.channels)
    return data.fit_photos(photos, config.crop_size, config.seed, config.patches_per_photo or 1)


def build_stream(config, whole=False, photos=None, per_photo=None):
    """Return the `CropStream` that a network that carries bits is trained with.

    Args:
        config: settings.
        whole: whether photos are squeezed, see `CropStream`.
        photos: sequence of photos; by default those of the config.
        per_photo: crops of a photo; by default the config's.
    """
    return data.CropStream(
        config.photos if photos is None else photos,
        config.crop_size,
        config.batch_size,
        config.channels,
        per_photo or config.patches_per_photo or None,
        whole,
        seed=config.seed,
        worker=worker(),
    )


def build_validation_data(config, cut=cut_source):
    """Return the fixed batches for validation, or `None`."""
    if not config.validation_photos:
        return None
    patches = np.concatenate([cut(config, source) for source in config.validation_photos])
    batches = len(patches) // config.batch_size
    if not batches:
        raise ConfigError(
            f"Expected validation_photos for a batch of {config.batch_size}. "
            f"Received: {len(patches)} crops"
        )
    patches = tf.data.Dataset.from_tensor_slices(patches[: batches * config.batch_size])
    patches = patches.batch(config.batch_size, drop_remainder=True)
    return patches.map(lambda batch: tf.image.convert_image_dtype(batch, tf.float32))


def build_attack(config, tables, per):
    """Return the attack of a config's `tables`; `per` is what one is drawn for, an image say."""
    weights = [1 if isinstance(table, str) else table.get("weight", 1) for table in tables]
    layers = [_attack(table) for table in tables]
    parts = [attacks.RandomChoice(layers, weights, per=per)] if layers else []
    if config.rounding_noise:
        parts.append(attacks.GaussianNoise(config.rounding_noise))
    return attacks.Chain(parts or [attacks.Identity()], seed=config.seed)


def _attack(table):
    table = {"name": table} if isinstance(table, str) else table
    arguments = {key: value for key, value in table.items() if key not in ("name", "weight")}
    name = table.get("name")
    try:
        nearest("attack", name, attacks.__all__, cutoff=0.0)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if "attacks" in arguments:
        arguments["attacks"] = [_attack(part) for part in arguments["attacks"]]
    if "attack" in arguments:
        arguments["attack"] = _attack(arguments["attack"])
    try:
        return getattr(attacks, name)(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"Attack {name}: {error}") from error


def attack_names(tables):
    """Return the names of the attacks in a config's tables, each once, parts of chains too."""
    names = {}
    for table in tables:
        table = {"name": table} if isinstance(table, str) else table
        parts = table.get("attacks") or ([table["attack"]] if "attack" in table else None)
        names.update(dict.fromkeys(attack_names(parts) if parts else [table["name"]]))
    return list(names)


def _psnr_ramp(config):
    """Return where the PSNR that is held begins, and in which steps it rises."""
    return {
        "target": config.psnr,
        "start": config.psnr_start,
        "hold_steps": int(config.steps * config.psnr_hold),
        "ramp_steps": max(1, int(config.steps * config.psnr_ramp)),
    }


def held_arguments(config):
    """Return the arguments of the `tfwm.models.held.HeldResidual` of a config."""
    return {**_psnr_ramp(config), "error": config.psnr_error}


def build_hold_psnr(config):
    """Return the `HoldPSNR` of a config, or `None`."""
    if not config.psnr:
        return None
    return HoldPSNR(
        **_psnr_ramp(config),
        rate=config.psnr_rate,
        initial_multiplier=config.psnr_multiplier,
        penalty=config.psnr_penalty,
        error=VisibleError() if config.psnr_error == "visible" else None,
    )


def build_patch_adversary(config, channels):
    """Return the `AdversarialLoss` of a PatchGAN, or `None` for a weight of 0."""
    if not config.adversarial_weight:
        return None
    with precision(config):
        critic = build_patch_critic(channels, config.width)
    return AdversarialLoss(critic, config.adversarial_weight, config.critic_loss)


@contextlib.contextmanager
def precision(config):
    """Build networks that compute in the config's precision within this context."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(config.precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def with_xla(config):
    """Return whether to compile the training step with XLA: not over several replicas."""
    return config.jit_compile and tf.distribute.get_strategy().num_replicas_in_sync == 1


def build_optimizer(config, adversary=None):
    """Return the optimizer; an `AdversarialLoss`'s critic gets that of `critic_optimizer`."""
    rate = _schedule(config, config.learning_rate)
    clip = config.clip_norm or None
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, momentum=config.momentum, global_clipnorm=clip)
    else:
        optimizer = keras.optimizers.Adam(
            rate, config.beta_1, config.beta_2, config.epsilon, global_clipnorm=clip
        )
    if adversary is None or not config.critic_optimizer:
        return optimizer
    # The epsilon of TensorFlow 1's RMSProp, which StegaStamp's critic was trained with.
    kinds = {
        "adam": keras.optimizers.Adam,
        "rmsprop": functools.partial(keras.optimizers.RMSprop, epsilon=1e-10),
    }
    rate = _schedule(config, config.critic_learning_rate or config.learning_rate)
    own = kinds[config.critic_optimizer](rate, clipvalue=config.critic_clip_value or None)
    return CriticOptimizer(optimizer, own, adversary.critic)


def _schedule(config, rate):
    if config.schedule == "constant":
        return rate
    warmup = min(200, config.steps // 10)
    return keras.optimizers.schedules.CosineDecay(
        rate / 100, config.steps - warmup, 0.01, warmup_target=rate, warmup_steps=warmup
    )


def early_stopping(config):
    """Return the callbacks that a config's `patience` asks for."""
    if not config.patience:
        return []
    share = config.psnr_hold + config.psnr_ramp if config.psnr else 0
    return [
        EarlyStopping(
            "val_logits_bit_error_rate",
            mode="min",
            patience=config.patience,
            restore_best_weights=True,
            # While the PSNR still rises, errors do.
            start_from_epoch=round(config.steps * share / config.steps_per_epoch),
            verbose=1,
        )
    ]
