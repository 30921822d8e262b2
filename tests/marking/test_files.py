import uuid

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.images import ImageError, Photo, read_photo
from tfwm.marking import EmbedOptions, FileReport
from tfwm.marking.check import resaved
from tfwm.watermarker import Watermarker

MESSAGE = "(c) Ada Lovelace"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(data.chelsea()).save(path)
    return path


def test_report_agrees_with_the_file(checker, source, tmp_path):
    report = checker.embed_file(source, tmp_path / "a.jpg", MESSAGE, key="k", quality=90)
    assert (report.source, report.output) == (str(source), str(tmp_path / "a.jpg"))
    found = checker.extract(tmp_path / "a.jpg", key="k", search="none")
    assert found.message == MESSAGE and found.margin == pytest.approx(report.margin)
    assert found.p_value <= 1e-12 and report.p_value <= 1e-12
    report = checker.embed_file(source, tmp_path / "a.png", MESSAGE)
    cover, marked = (np.asarray(Image.open(p), float) for p in (source, tmp_path / "a.png"))
    psnr = 10 * np.log10(255**2 / np.mean((cover - marked) ** 2))
    assert report.psnr == pytest.approx(psnr, abs=1e-3)


def test_strength_goes_up_in_steps_to_a_limit(checker, source, tmp_path, monkeypatch):
    tried = []
    apply = Watermarker.prepare

    def prepare(self, *arguments, **options):
        mark = apply(self, *arguments, **options)
        plain = mark.apply
        mark.apply = lambda strength: tried.append(strength) or plain(strength)
        return mark

    monkeypatch.setattr(Watermarker, "prepare", prepare)
    with pytest.raises(ImageError, match="but 1000 times are wanted") as error:
        checker.embed_file(source, tmp_path / "a.png", MESSAGE, strength=0.5, margin=1000)
    assert "at strength 1.22 " in str(error.value)
    np.testing.assert_allclose(tried, 0.5 * 1.25 ** np.arange(5))
    assert not (tmp_path / "a.png").exists()
    tried.clear()
    checker.embed_file(source, tmp_path / "a.png", MESSAGE, strength=0.5)
    assert tried == [0.5]


def test_psnr_is_not_given_up_for_reading(checker, source, tmp_path):
    with pytest.raises(ImageError, match=r"photo.png was not marked: at strength .* \(38\.\d dB\)"):
        checker.embed_file(source, tmp_path / "a.png", MESSAGE, psnr=38, margin=1000)
    assert checker.embed_file(source, tmp_path / "a.png", MESSAGE, psnr=36).psnr >= 36


def test_what_was_written_is_what_was_read(checker, source, tmp_path, monkeypatch):
    """A format that destroys the mark is noticed before anything is written."""
    from tfwm.marking import saved

    def destroyed(photo, path, quality):
        blank = Photo(np.full_like(photo.pixels, 128))
        return encode(blank, path, quality)

    encode = saved.encode_photo
    monkeypatch.setattr(saved, "encode_photo", destroyed)
    with pytest.raises(ImageError, match="does not read back"):
        checker.embed_file(source, tmp_path / "a.png", MESSAGE)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["photo.png"]


def test_existing_files_are_kept(checker, source, tmp_path):
    before = source.read_bytes()
    for output in (source, tmp_path / ".." / tmp_path.name / "photo.png"):
        with pytest.raises(ImageError, match="exists"):
            checker.embed_file(source, output, MESSAGE)
    assert source.read_bytes() == before
    checker.embed_file(source, source, MESSAGE, overwrite=True)
    assert checker.extract(source, search="none").message == MESSAGE


def test_dry_run(checker, source, tmp_path):
    report = checker.embed_file(source, tmp_path / "a.png", MESSAGE, dry_run=True)
    assert report.output is None and report.margin > 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["photo.png"]


def test_lane_encloses_network_and_codec(checker, source, tmp_path):
    inside = []

    class Lane:
        def __enter__(self):
            inside.append(True)

        def __exit__(self, *_):
            inside.pop()

    def checked(method):
        def call(*arguments, **options):
            assert inside
            return method(*arguments, **options)

        return call

    network = checker.network
    network.embed, network.extract = checked(network.embed), checked(network.extract)
    encoded, report = checker.mark_file(source, tmp_path / "a.png", MESSAGE, EmbedOptions(), Lane)
    assert encoded.startswith(b"\x89PNG") and report.output == str(tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists() and not inside


def test_notes_and_plain_values(checker, tmp_path):
    Image.fromarray(data.chelsea()).quantize(128).save(tmp_path / "a.gif")
    report = checker.embed_file(tmp_path / "a.gif", tmp_path / "b.png", MESSAGE)
    assert report.notes == ("a palette was replaced by full colors",)
    assert report.to_dict()["notes"] == list(report.notes)
    number = uuid.UUID(int=5)
    for message, plain in [(b"\0\xff", "00ff"), (number, str(number)), (7, 7), ("a", "a")]:
        assert FileReport("a", "b", message, 1.0, 40.0, 0.0, 3.0).to_dict()["message"] == plain


# Check


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_resaved_is_close_in_every_kind(dtype, channels):
    plain = data.chelsea()[..., :channels]
    scale = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    copy = resaved(Photo((plain * np.float64(scale)).astype(dtype)))
    assert copy.pixels.dtype == np.uint8 and copy.pixels.shape == plain.shape
    error = copy.pixels.astype(float) - plain
    assert 0 < np.sqrt(np.mean(error**2)) < 5


def test_check_of_photos_that_do_and_do_not_fit(checker, source):
    check = checker.check(source, MESSAGE)
    assert check.fits and check.margin > 1 and check.p_value < 1e-12 and check.strength == 1
    assert check.to_dict()["reason"].startswith("the message is read with ")
    small = checker.check(np.full((64, 64), 128, np.uint8), MESSAGE)
    assert not small.fits and "too small or too flat" in small.reason
    faint = checker.check(source, MESSAGE, strength=0.01)
    assert not faint.fits and "not one pixel changes" in faint.reason
    assert faint.to_dict()["psnr"] == float("inf")
    assert checker.check(source, MESSAGE, psnr=36).psnr >= 36
    deep = read_photo(source).pixels.astype(np.uint16)[..., :1] * 257
    assert checker.check(deep, MESSAGE).fits


@pytest.mark.parametrize("quality, own", [(80, True), (4, False)])
def test_a_jpeg_keeps_its_own_compression_if_the_mark_reads_so(checker, tmp_path, quality, own):
    from skimage import data

    source, output = tmp_path / "source.jpg", tmp_path / "output.jpg"
    Image.fromarray(data.coffee()).save(source, quality=quality)
    report = checker.embed_file(source, output, MESSAGE, key="k")
    assert report.encoding.own == own and report.source_size == source.stat().st_size
    assert report.size == output.stat().st_size
    assert checker.extract(output, key="k").message == MESSAGE
    if own:
        assert report.encoding.quality == quality and report.size < 1.3 * report.source_size
        assert Image.open(output).quantization == Image.open(source).quantization
    forced = checker.embed_file(source, output, MESSAGE, key="k", quality=95, overwrite=True)
    assert not forced.encoding.own and forced.to_dict()["encoding"]["subsampling"] == "4:4:4"


@pytest.mark.parametrize("side", [64, 96, 128, 192])
def test_a_photo_that_passes_the_check_is_marked(checker, source, tmp_path, side):
    photo = read_photo(source).pixels[:side, :side]
    Image.fromarray(photo.squeeze()).save(tmp_path / "a.png")
    check = checker.check(tmp_path / "a.png", MESSAGE)
    if check.fits:
        report = checker.embed_file(tmp_path / "a.png", tmp_path / "b.png", MESSAGE)
        assert report.margin >= 2 and report.strength <= check.strength
    else:
        assert side < 192 and not (tmp_path / "b.png").exists()
