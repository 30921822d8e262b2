"""Training data: photos of a source, patches cut from them, pairs for image-to-image tasks."""

from tfwm.data.batches import all_pairs, pair_dataset, patch_dataset
from tfwm.data.crops import balance_by_deviation, cut_patches, fit_photos, task_crops
from tfwm.data.sources import list_photos, read_photos
from tfwm.data.watermark_images import watermark_image

__all__ = [
    "all_pairs",
    "balance_by_deviation",
    "cut_patches",
    "fit_photos",
    "list_photos",
    "pair_dataset",
    "patch_dataset",
    "read_photos",
    "task_crops",
    "watermark_image",
]
