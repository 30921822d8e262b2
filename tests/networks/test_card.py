import copy
import json

import pytest

from tfwm.networks import check_card, read_card, redmark_geometry, write_card


def test_round_trip(card, tmp_path):
    write_card(card, tmp_path)
    assert read_card(tmp_path) == card


def test_geometry_counts_bits():
    assert "16 bits in each patch of 32x32" in redmark_geometry()["message"]
    assert "8 bits in each patch of 16x32" in redmark_geometry((16, 32), (8, 8))["message"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda c: c.pop("limits"), "The card lacks limits"),
        (lambda c: c["licence"].pop("weights"), "lacks licence.weights"),
        (
            lambda c: c.update(licens="x"),
            "field of a card 'licens'; did you mean 'licence'",
        ),
        (lambda c: c.update(name=" "), "Expected a name of 1 to 200"),
        (
            lambda c: c["strength"].update(default=0),
            "Expected a number above 0, 100 at most, as strength.default",
        ),
        (
            lambda c: c["strength"].update(default=True),
            "Expected a number above 0, 100 at most, as strength.default",
        ),
        (
            lambda c: c["geometry"].update(patch=[32]),
            "two whole numbers from 1 to 2048 as geometry.patch",
        ),
        (lambda c: c["geometry"].update(channels=2), "Expected 1 or 3 as geometry.channels"),
        (lambda c: c["geometry"].update(bits=0), "whole number from 1 to 1024 as geometry.bits"),
        (lambda c: c["geometry"].update(bits=1.5), "whole number from 1 to 1024 as geometry.bits"),
        (lambda c: c.update(limits="none"), "Expected texts as limits"),
        (lambda c: c.update(results=["x"]), "Expected objects as results"),
        (lambda c: c.update(kind="mesage"), "Expected message or barrier or keyed as kind"),
        (lambda c: c.pop("strength"), "The card lacks strength"),
        (lambda c: c.update(training="x"), "Expected training to be an object"),
    ],
)
def test_wrong_cards(card, tmp_path, change, match):
    wrong = copy.deepcopy(card)
    change(wrong)
    with pytest.raises(ValueError, match=match):
        check_card(wrong)
    with pytest.raises(ValueError, match=match):
        write_card(wrong, tmp_path)
    assert not list(tmp_path.iterdir())


def test_colours_and_several_bits(card, tmp_path):
    geometry = {**card["geometry"], "channels": 3, "bits": 30}
    write_card({**card, "geometry": geometry}, tmp_path)
    assert read_card(tmp_path)["geometry"] == geometry


def test_unreadable(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no card.json"):
        read_card(tmp_path)
    for text in ("{", "[]", '{"name": "x"}'):
        (tmp_path / "card.json").write_text(text)
        with pytest.raises(ValueError, match="card.json is damaged"):
            read_card(tmp_path)


def test_cards_without_a_kind_get_one(card, tmp_path):
    old = {key: value for key, value in card.items() if key != "kind"}

    def write(**changes):
        (tmp_path / "card.json").write_text(json.dumps({**old, **changes}))

    write()
    assert read_card(tmp_path)["kind"] == "message"
    write(geometry={**old["geometry"], "image_watermark": True})
    assert read_card(tmp_path)["kind"] == "barrier"
    (tmp_path / "host.keras").touch()
    assert read_card(tmp_path)["kind"] == "keyed"


def test_a_keyed_host_needs_no_strength(card):
    check_card({key: value for key, value in card.items() if key != "strength"} | {"kind": "keyed"})
