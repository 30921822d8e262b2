"""Training data: photos of a source, patches cut from them, pairs for image-to-image tasks.

The names below are imported on first use: data sets are unpacked without TensorFlow.
"""

from tfwm.startup import on_first_use

_MODULES = {
    "batches": "all_pairs pair_dataset patch_dataset",
    "crops": "balance_by_deviation cut_patches fit_photos task_crops",
    "sources": "list_photos read_photos",
    "watermark_images": "watermark_image",
}
__all__, __getattr__, __dir__ = on_first_use(__name__, _MODULES)
