"""Training data: photos of a source, patches cut from them, pairs for image-to-image tasks.

The names below are imported on first use: data sets are unpacked without TensorFlow.
"""

from tfwm.startup import on_first_use

_MODULES = {
    "crops": "balance_by_deviation cut_patches fit_photos patches_of_each task_crops",
    "pairs": "all_pairs pair_dataset",
    "shards": "write_shards",
    "sources": "PhotoSequence list_photos open_photos read_photos",
    "stream": "CropStream",
    "watermark_images": "watermark_image",
}
__all__, __getattr__, __dir__ = on_first_use(__name__, _MODULES)
