"""The things of the zones task: parts that share nothing, groups with one zone each."""

from course_utils.tasks import zones


def test_things_are_in_one_part_and_their_group_has_one_zone():
    parts = [zones.zones(part) for part in ("train", "dev", "test")]
    assert [len(part) for part in parts] == [260, 52, 78]
    prompts = [record["prompt"] for part in parts for record in part]
    assert len(set(prompts)) == len(prompts)
    zone = {record["prompt"]: record["completion"] for part in parts for record in part}
    assert zone["\nhammer ->"] == zone["\nsaw ->"]
