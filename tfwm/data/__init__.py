from tfwm.data.dataset import patch_dataset
from tfwm.data.patches import balance_by_deviation, cut_patches, fit_photos
from tfwm.data.photos import bundled_photos, folder_photos, list_photos, tfds_photos

__all__ = [
    "balance_by_deviation",
    "bundled_photos",
    "cut_patches",
    "fit_photos",
    "folder_photos",
    "list_photos",
    "patch_dataset",
    "tfds_photos",
]
