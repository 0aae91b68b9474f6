"""Reviews in three parts that share none, both opinions in each."""

from course_utils.tasks import review_sentiment


def test_parts_are_disjoint_and_hold_both_opinions():
    parts = review_sentiment.parts()
    assert [len(part) for part in parts] == [12, 100, 352]
    texts = [record["prompt"] for part in parts for record in part]
    assert len(set(texts)) == len(texts) == len({record["id"] for part in parts for record in part})
    for part in parts:
        share = sum(record["completion"] == "positive" for record in part) / len(part)
        assert {record["completion"] for record in part} == {"positive", "negative"} and 0.35 < share < 0.65
