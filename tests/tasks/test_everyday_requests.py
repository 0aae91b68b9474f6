from course_utils.tasks.everyday_requests import one_prompt, requests, subject


def test_requests_are_distinct_repeatable_and_of_four_kinds():
    skills = requests(reviews=50)
    assert list(skills) == ["capital", "plural", "review", "past tense"] and len(skills["review"]) == 50
    prompts = [item.prompt for items in skills.values() for item in items]
    assert len(set(prompts)) == len(prompts) and all(prompt.endswith(" ->") for prompt in prompts)
    assert skills == requests(reviews=50) and skills != requests(reviews=50, seed=1)
    assert {item.answer for item in skills["review"]} == {"positive", "negative"}
    assert all(item.answer for item in skills["plural"])


def test_one_prompt_takes_the_kinds_in_turn():
    skills = requests(reviews=10)
    prompt = one_prompt({skill: items[:2] for skill, items in skills.items()})
    firsts = [line.split()[0] for line in prompt.splitlines()]
    assert firsts == 2 * ["capital", "plural", "review:", "past"]
    assert f"{skills['plural'][1].prompt} {skills['plural'][1].answer}\n" in prompt


def test_the_subject_of_a_request():
    assert subject("capital of Peru ->") == "Peru" and subject("past tense of go ->") == "go"
