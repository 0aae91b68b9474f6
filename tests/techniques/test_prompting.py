"""Each technique asks with the prompt that it should, and reports what it cost."""

from dataclasses import replace
from pathlib import Path

import pytest

from course_utils.prompts import few_shot, retrieval
from course_utils.prompts.templates import token_count
from course_utils.tasks.base import TASKS, vote
from course_utils.tasks.toy_desk import generate, replies
from course_utils.techniques import base, baselines, prompting, reasoning, registry, search, specialist
from tests.helpers.desk_records import KNOWN, TASK, Gold, records
from tests.helpers.tiny import tiny_llama

TRAIN, TEST = records(36), records(6, part="test")
OWN = base.Technique("own", "control", "07", baselines.random_reply, {"toy_desk": [{}]})


@pytest.fixture(scope="module")
def subject():
    return tiny_llama(context=1024)


def prompting_results(model, tokenizer, seed=0):
    """{name: Result} of every technique that builds one text per request."""
    arguments = (model, tokenizer, TRAIN, seed, TASK)
    return {
        "zero_shot": prompting.zero_shot(*arguments),
        "few_shot": prompting.few_shot(*arguments, k=3),
        "system_prompt": prompting.system_prompt(*arguments),
        "facts_in_prompt": prompting.facts_in_prompt(*arguments, k=3),
        "chain_of_thought": reasoning.chain_of_thought(*arguments, k=3),
        "self_consistency": reasoning.self_consistency(*arguments, k=3, samples=2),
    }


def test_every_technique_has_a_lesson_and_settings_that_it_takes():
    for name, technique in registry.TECHNIQUES.items():
        assert name == technique.name and len(technique.lesson) == 2 and technique.settings
        for task, settings in technique.settings.items():
            assert task in TASKS and 1 <= len(settings) <= 6, name
            taken = technique.learn.__code__.co_varnames
            assert all(set(setting) <= set(taken) for setting in settings), name
            assert len({str(setting) for setting in settings}) == len(settings), name
        if technique.family != "control" and name not in ("few_shot_nearest", "constrained_decoding"):
            assert len(technique.settings["toy_desk"]) == 6, "equal trials on the toy desk"


def test_a_technique_of_your_own_is_found_by_module_and_name():
    assert registry.find("tests.techniques.test_prompting:OWN") == OWN
    with pytest.raises(ValueError, match="not a Technique"):
        registry.find("course_utils.techniques.base:Technique")
    with pytest.raises(ValueError, match="no technique"):
        registry.find("few_shoot")


def test_prompts_end_open_and_never_show_the_query_solved(subject):
    for name, result in prompting_results(*subject).items():
        sent = result.choice["prompt"]
        for record in [TEST[0], *result.choice["shots"]]:  # a shot as the query leaves its own prompt
            text = sent(record["prompt"])
            message = few_shot.bare(record["prompt"])
            assert text == text.rstrip() and text.endswith(":"), name
            assert text.count(message) == 1, name
            assert record["completion"].strip() not in text, name


def test_the_text_sent_is_the_one_in_the_books(subject):
    built = {name: r.choice["prompt"](TEST[0]["prompt"]) for name, r in prompting_results(*subject).items()}
    shots = replies.stratified(TRAIN, 3, 0)
    form = "Reply as: Team: team | Priority: priority | Answer: answer"
    assert built["zero_shot"] == f"{form}\n\n{TEST[0]['prompt']}"
    solved = "\n\n".join(shot["prompt"] + shot["completion"] for shot in shots)
    assert built["few_shot"] == f"{solved}\n\n{TEST[0]['prompt']}"
    message = few_shot.bare(TEST[0]["prompt"])
    role = "You are a polite agent of the service desk."
    assert built["system_prompt"] == f"System: {role} {form}\nUser: {message}\nAgent:"
    blocks, plain = built["facts_in_prompt"].split("\n\n"), built["few_shot"].split("\n\n")
    assert len(blocks) == len(plain)
    for block, shot in zip(blocks, plain):  # two facts above each record, the nearest last
        first, second, record = block.split("\n", 2)
        assert record == shot and {first, second} <= set(KNOWN.values())
    assert blocks[-1].split("\n")[1] == KNOWN["parcel rule"]
    thought = built["chain_of_thought"]
    topic = shots[0]["facts"][0].split()[0]
    line = f"Record: This is about ask {topic}. {KNOWN[topic + ' rule']}\nTeam: "
    assert line in thought and built["self_consistency"] == thought


def test_prompt_tokens_count_what_is_added(subject):
    model, tokenizer = subject
    result = prompting.few_shot(model, tokenizer, TRAIN, 0, TASK, k=3)
    shots = result.choice["shots"]
    added = sum(token_count(tokenizer, s["prompt"] + s["completion"]) + 2 for s in shots)
    assert result.prompt_tokens == added  # bytes: shots and blank lines, the same before every request
    one = reasoning.chain_of_thought(model, tokenizer, TRAIN, 0, TASK, k=3)
    five = reasoning.self_consistency(model, tokenizer, TRAIN, 0, TASK, k=3, samples=5)
    assert five.prompt_tokens > 5 * one.prompt_tokens  # the request is sent five times as well
    assert result.examples == 3 and result.trainable_parameters == result.labels == 0


def test_shots_that_do_not_fit_leave(subject):
    model, tokenizer = subject
    result = prompting.few_shot(model, tokenizer, TRAIN, 0, TASK, k=30)
    text = result.choice["prompt"](TEST[0]["prompt"])
    last = result.choice["shots"][-1]
    assert token_count(tokenizer, text) <= 1024 - TASK.room
    assert text.endswith(f"{last['prompt']}{last['completion']}\n\n{TEST[0]['prompt']}")
    assert len(result.reply([TEST[0]["prompt"]])) == 1


def test_the_nearest_shots_differ_from_request_to_request_and_are_never_the_request(subject):
    result = prompting.few_shot_nearest(*subject, TRAIN, 0, TASK, k=2)
    asked, other = TRAIN[0], TRAIN[5]
    shown = result.choice["shots"](asked["prompt"])
    assert shown[-1] == asked != result.choice["shots"](other["prompt"])[-1]  # the nearest last
    solved = [shot["prompt"] + shot["completion"] for shot in shown if shot != asked]
    assert result.choice["prompt"](asked["prompt"]) == "\n\n".join([*solved, asked["prompt"]])
    assert len(solved) == 1 and result.examples == len(TRAIN)
    assert result.stored_bytes == sum(len((r["prompt"] + r["completion"]).encode()) for r in TRAIN)
    long = prompting.few_shot_nearest(*subject, TRAIN, 0, TASK, k=30).choice["prompt"](TEST[0]["prompt"])
    assert (
        few_shot.bare(retrieval.nearest(TRAIN, 1)(TEST[0]["prompt"])[0]["prompt"]) in long
    )  # far ones leave


def test_the_seed_chooses_the_shots_and_skills_alternate():
    for seed in range(5):
        assert len({shot["skill"] for shot in replies.stratified(TRAIN, 3, seed)}) == 3
    assert replies.stratified(TRAIN, 4, 1) == replies.stratified(TRAIN, 4, 1)
    assert replies.stratified(TRAIN, 4, 1) != replies.stratified(TRAIN, 4, 2)
    assert len({r["id"] for r in replies.stratified(TRAIN, 36, 0)}) == 36
    with pytest.raises(ValueError, match="37 shots from 36"):
        replies.stratified(TRAIN, 37, 0)


def test_shots_show_as_many_teams_as_they_can():
    one_skill = [record | {"skill": "same"} for record in TRAIN]
    for seed in range(5):
        shown = [replies.fields(s["completion"])["team"] for s in replies.stratified(one_skill, 3, seed)]
        assert sorted(shown) == ["Hawks", "Owls", "Wrens"]


def test_a_prompt_without_labels_gets_them():
    assert few_shot.open_end("My lamp is dark.") == "Message: My lamp is dark.\nRecord:"
    assert few_shot.open_end("Message: x\nRecord:") == "Message: x\nRecord:"
    assert few_shot.bare("Message: My lamp: dark.\nRecord:") == "My lamp: dark."
    assert few_shot.bare("My lamp is dark.") == "My lamp is dark."


def test_replies_come_in_order_and_the_same_twice(subject):
    requests = [record["prompt"] for record in TEST[:3]]
    results = prompting_results(*subject)
    for name in ("few_shot", "self_consistency"):
        first = results[name].reply(requests)
        assert len(first) == 3 and first == results[name].reply(requests)


def test_the_vote_is_taken_field_by_field():
    a, b, c = (
        "Team: Owls | Priority: low | Answer: 4",
        "Team: Owls | Priority: high | Answer: 5",
        "Team: Hawks | Priority: high | Answer: 5",
    )
    assert vote(TASK, [a, b, c]) == "Team: Owls | Priority: high | Answer: 5"
    assert vote(TASK, ["nonsense", c]) == c and vote(TASK, ["nonsense", "more"]) == "nonsense"
    assert vote(TASK, [a, c]) == a  # ties go to the earlier


def test_a_reply_is_taken_apart_and_put_together():
    parts = {"team": "Owls", "priority": "high", "answer": "Yes: 5 now."}
    assert replies.written(parts) == "Team: Owls | Priority: high | Answer: Yes: 5 now."
    assert replies.fields(" " + replies.written(parts)) == parts
    assert replies.fields("Team: Owls") is None


def test_the_desk_itself_is_understood():
    known, train = replies.statements(), generate.records("train")
    assert all(replies.fields(record["completion"]) for record in train)
    refund = next(record for record in train if len(record["facts"]) > 1)
    line = replies.rationale(refund, known)
    assert line.startswith("This is about refund.") and known[refund["facts"][1]] in line
    assert len(replies.common(train, "team")) == 6 and "\n" not in line


def test_the_conclusion_follows_the_reasoning():
    assert reasoning.conclusion(" This is about x.\nTeam: Owls") == "Team: Owls"
    assert reasoning.conclusion("Team: Owls") == "Team: Owls"


def test_the_search_keeps_the_best_and_halves_the_field(subject, monkeypatch):
    def fixed(model, tokenizer, train, seed, task, instruction, labels, k):
        return base.Result(lambda requests: [f"{instruction} {labels} {k}"] * len(requests))

    def score(record, reply):  # one variant is right on every record
        return {"whole": reply == favourite, "team": True}

    monkeypatch.setattr(search, "_variant", fixed)
    probe = search.hard_prompt_search(*subject, TRAIN, 3, TASK, candidates=8, records=12)
    assert [seen for _, seen, _ in probe.choice["trail"]] == [3] * 8 + [6] * 4 + [12] * 2
    for variant in {variant for variant, _, _ in probe.choice["trail"]}:
        favourite = "{} {} {}".format(*variant)
        judged = replace(TASK, grade=score)
        best = search.hard_prompt_search(*subject, TRAIN, 3, judged, candidates=8, records=12)
        assert best.choice["variant"] == variant and best.examples == 12


def test_a_search_of_any_size_ends_with_one(subject, monkeypatch):
    fixed = base.Result(lambda requests: ["x"] * len(requests))
    monkeypatch.setattr(search, "_variant", lambda *arguments: fixed)
    graded = replace(TASK, grade=lambda *_: {"whole": True})
    for candidates in (1, 3, 5, 6):
        result = search.hard_prompt_search(*subject, TRAIN, 3, graded, candidates, 12)
        assert result is fixed


def test_as_many_neighbors_as_there_are():
    assert retrieval.retriever(["a cat", "a dog", "a bird"])("my dog", 5)[-1] == "a dog"
    assert len(retrieval.retriever(["a cat", "a dog", "a bird"])("my dog", 5)) == 3


def test_a_searched_prompt_is_open_and_uses_its_labels(subject):
    result = search._variant(*subject, TRAIN, 0, TASK, "teams", ("Mail", "Form"), 2)
    text = result.choice["prompt"](TEST[0]["prompt"])
    assert text.startswith("Teams: Hawks, Owls, Wrens. Reply as: Team: team")
    assert text.count("Mail: ") == 3 and text.endswith("\nForm:") and "Record:" not in text


def test_specialists_learn_the_fields_and_fill_in_numbers():
    result = specialist.specialists(None, None, TRAIN, 0, TASK)
    given = result.reply([record["prompt"] for record in TEST])
    assert all(Gold.score(record, reply)["whole"] for record, reply in zip(TEST, given))
    assert result.stored_parameters > result.trainable_parameters > 0 and result.stored_bytes > 1000
    assert specialist.masked("from 7 to 9", "9 - 7 is 2") == "{1} - {0} is 2"
    assert specialist.filled("from 3 to 8", "{1} - {0} is {5}") == "8 - 3 is {5}"


def test_baselines_reply_with_what_they_saw():
    more = [*TRAIN, TRAIN[1]]
    constant = baselines.majority_class(None, None, more, 0, TASK).reply(["a", "b"])
    assert constant == [TRAIN[1]["completion"]] * 2
    drawn = baselines.random_reply(None, None, TRAIN, 0, TASK).reply(["a"] * 20)
    assert set(drawn) <= {record["completion"] for record in TRAIN} and len(set(drawn)) > 5


def test_the_constant_is_the_reply_that_earns_most():
    task = replace(TASK, gold_reward=lambda record, reply: float("Owls" in reply))
    replies_given = baselines.constant_reply(None, None, TRAIN, 0, task).reply(["a", "b"])
    assert replies_given[0] == replies_given[1] and "Owls" in replies_given[0]


def test_the_nearest_copy_and_the_declining_reply_follow_the_nearest_record():
    near = few_shot.bare(retrieval.nearest(TRAIN, 1)(TEST[0]["prompt"])[0]["prompt"])
    record = next(r for r in TRAIN if few_shot.bare(r["prompt"]) == near)
    (copy,) = baselines.nearest_copy(None, None, TRAIN, 0, TASK).reply([TEST[0]["prompt"]])
    assert copy == record["completion"]
    (declined,) = baselines.always_decline(None, None, TRAIN, 0, TASK).reply([TEST[0]["prompt"]])
    wanted = replies.fields(record["completion"]) | {"answer": TASK.decline}
    assert replies.fields(declined) == wanted


def test_no_technique_imports_a_task():
    folder = Path(prompting.__file__).parent
    named = [file.name for file in folder.glob("*.py") if "tasks.toy_desk" in file.read_text("utf-8")]
    assert not named, "a task offers its records and pairs itself"
