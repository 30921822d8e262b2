"""The pictures and the classical carrier of the benchmarks of provenance."""

import importlib
import io

import numpy as np
from PIL import Image
from skimage import data

from tfwm.images import psnr
from tfwm.watermarker import Watermarker


def test_synthetic_pictures_differ_and_come_again():
    bench = importlib.import_module("provenance")
    pictures = [bench.synthetic(number) for number in (0, 3, 4)]
    assert {p.shape for p in pictures} == {(512, 768, 3)} and pictures[0].dtype == np.uint8
    assert min(p.std() for p in pictures) > 10
    assert np.array_equal(bench.synthetic(3), pictures[1])
    assert not np.array_equal(bench.synthetic(8), pictures[1])


def test_a_stripped_copy_is_half_as_large():
    bench = importlib.import_module("provenance")
    copy = Image.open(io.BytesIO(bench.stripped(bench._png(data.coffee()))))
    assert copy.size == (300, 200) and copy.format == "JPEG"
    assert bench.enlarged(data.coffee()).shape == (512, 768, 3)


def test_the_template_carries_a_message():
    template = Watermarker(importlib.import_module("signpost").Template())
    marked = template.embed(data.coffee(), b"12345678", psnr=44)
    assert psnr(data.coffee(), marked) >= 44
    assert template.extract(marked, search="none").message == b"12345678"
