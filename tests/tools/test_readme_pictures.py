"""The README's pictures show today's tables, and say what they show."""

import json

import pytest
from PIL import Image

from course_utils.tools import readme_pictures


@pytest.mark.parametrize("name", readme_pictures.PICTURES)
def test_a_picture_shows_the_values_of_today(name, tmp_path):
    stored, new = (
        Image.open(readme_pictures.FOLDER / f"{name}.png"),
        Image.open(readme_pictures.draw(name, tmp_path)),
    )
    assert stored.info["Description"] == new.info["Description"] == readme_pictures.described(name)
    assert stored.size == pytest.approx(new.size, rel=0.02)


def test_the_titles_are_findings_that_the_values_bear_out():
    values, _, _ = readme_pictures.help_desk()
    assert values["LoRA"][1] > values["copy the most\nsimilar reply"][2]
    formats, _, _ = readme_pictures.formats()
    assert (
        formats["4 bits (NF4)"][2] < formats["fp32"][1]
        and abs(formats["8 bits"][0] - formats["fp32"][0]) < 0.02
    )
    rewards, title, _ = readme_pictures.rewards()
    learned, gold = rewards.pop("start")
    assert all(proxy > learned for proxy, _ in rewards.values()) and title.startswith(f"{len(rewards)} runs")
    assert f", {sum(wanted < gold for _, wanted in rewards.values())} of them" in title


def test_the_readme_shows_them_all():
    text = (readme_pictures.FOLDER.parents[1] / "README.md").read_text("utf-8")
    for name in readme_pictures.PICTURES:
        assert f"docs/pictures/{name}.png" in text
        assert json.loads(readme_pictures.described(name))["values"]
