"""Trainers, each a `keras.Model`, and what they need: checkpoints, settings, strategies."""

from tfwm.startup import need_tensorflow

need_tensorflow()

from tfwm.training.barrier_trainer import BarrierTrainer
from tfwm.training.callbacks import (
    Diverged,
    EarlyStopping,
    LastStep,
    MeanGradients,
    RestOfEpoch,
    TellSkipped,
)
from tfwm.training.carrier import Carrier
from tfwm.training.checkpoint import Checkpoint
from tfwm.training.config import ConfigError, load_config, save_config
from tfwm.training.distribute import training_strategy
from tfwm.training.keyed_trainer import KeyedTrainer
from tfwm.training.simulated import FineTuned, Innocent
from tfwm.training.translation_trainer import TranslationTrainer
from tfwm.training.watermark_trainer import WatermarkTrainer

__all__ = [
    "BarrierTrainer",
    "Carrier",
    "Checkpoint",
    "ConfigError",
    "Diverged",
    "EarlyStopping",
    "FineTuned",
    "Innocent",
    "KeyedTrainer",
    "LastStep",
    "MeanGradients",
    "RestOfEpoch",
    "TellSkipped",
    "TranslationTrainer",
    "WatermarkTrainer",
    "load_config",
    "save_config",
    "training_strategy",
]
