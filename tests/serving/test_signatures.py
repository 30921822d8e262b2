"""The signatures that all servers have."""

from tfwm.serving.signatures import SIGNATURES


def test_signatures_of_photo_bytes():
    embed, extract = SIGNATURES["embed_bytes"], SIGNATURES["extract_bytes"]
    assert [x.name for x in embed.inputs] == [
        "image_bytes",
        "message",
        "strength",
        "format",
        "quality",
    ]
    assert [x.dtype for x in embed.inputs] == ["string", "float32", "float32", "string", "int32"]
    assert [x.name for x in embed.outputs] == ["image_bytes", "psnr", "error"]
    assert [x.name for x in extract.outputs] == ["votes", "error"]
    assert embed.input("message").sides(slots=1024) == (None, 1024)
    # TF Serving's REST interface sends what is called *_bytes in base64.
    assert all(
        x.dtype == "string" and x.name.endswith("_bytes")
        for x in (embed.inputs[0], embed.outputs[0], extract.inputs[0])
    )


def test_each_photo_has_a_strength_of_its_own():
    assert all(
        SIGNATURES[name].input("strength").shape == ("batch",) for name in ("embed", "embed_bytes")
    )
