from tfwm.training.checkpoint import Checkpoint
from tfwm.training.config import ConfigError, load_config, save_config
from tfwm.training.distribute import training_strategy
from tfwm.training.mean_gradients import MeanGradients
from tfwm.training.watermark_trainer import WatermarkTrainer

__all__ = [
    "Checkpoint",
    "ConfigError",
    "MeanGradients",
    "WatermarkTrainer",
    "load_config",
    "save_config",
    "training_strategy",
]
