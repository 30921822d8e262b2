from tfwm.data.dataset import patch_dataset
from tfwm.data.pairs import (
    all_pairs,
    folder_pairs,
    pair_dataset,
    read_photos,
    side_by_side_pairs,
    task_crops,
)
from tfwm.data.patches import balance_by_deviation, cut_patches, fit_photos
from tfwm.data.photos import bundled_photos, folder_photos, list_photos, tfds_photos
from tfwm.data.watermark_images import watermark_image

__all__ = [
    "all_pairs",
    "balance_by_deviation",
    "bundled_photos",
    "cut_patches",
    "fit_photos",
    "folder_pairs",
    "folder_photos",
    "list_photos",
    "pair_dataset",
    "patch_dataset",
    "read_photos",
    "side_by_side_pairs",
    "task_crops",
    "tfds_photos",
    "watermark_image",
]
