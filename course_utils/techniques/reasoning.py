"""Chains of thought: a line of reasoning before the reply, once or by the vote of several."""

from course_utils.prompts.few_shot import few_shot_prompt
from course_utils.tasks.base import vote
from course_utils.techniques.base import Technique
from course_utils.techniques.prompting import prompted, usual_form

CHAIN = 60  # tokens kept free for the line of reasoning


def chain_of_thought(model, tokenizer, train, seed, task, k=4, form=None):
    """k solved records, each with its reasoning in a line before the reply, then the request.

    The reasoning is the task's `rationale` of a record. Source: Wei et al. 2022, section 2.
    """
    return _chains(model, tokenizer, train, task, task.sample(train, k, seed), 1, {}, form)


def self_consistency(model, tokenizer, train, seed, task, k=4, samples=5, temperature=0.5, form=None):
    """`samples` chains of thought per request, drawn at a temperature; each field by majority.

    Source: Wang et al. 2022, section 2.
    """
    sampling = {"temperature": temperature, "seed": seed}
    result = _chains(model, tokenizer, train, task, task.sample(train, k, seed), samples, sampling, form)
    single = result.reply

    def reply(requests):
        # One list, so that each sample has its own place in it and with it its own random numbers.
        texts = single([request for request in requests for _ in range(samples)])
        return [vote(task, texts[i : i + samples]) for i in range(0, len(texts), samples)]

    result.reply = reply
    return result


def _chains(model, tokenizer, train, task, shots, calls, sampling, form):
    """The Result of asking with shots that think aloud."""

    def build(kept, request):
        thought = [
            shot | {"completion": f"{task.rationale(shot)}\n{shot['completion'].strip()}"} for shot in kept
        ]
        if (form or usual_form(task)) == "chat":
            return task.conversation(tokenizer, thought, request)
        return few_shot_prompt(thought, request)

    sampling = {"stop": "\n\n", "max_new_tokens": task.room + CHAIN} | sampling
    return prompted(
        model, tokenizer, train, task, shots, build=build, write=conclusion, calls=calls, sampling=sampling
    )


def conclusion(text):
    """What follows the line of reasoning; all of it if there is one line only."""
    return text.strip().partition("\n")[2].strip() or text.strip()


NEEDS = frozenset(("fields", "facts"))
TECHNIQUES = (
    Technique(
        "chain_of_thought",
        "prompting",
        "01",
        chain_of_thought,
        {
            "toy_desk": [{"k": k} for k in (1, 2, 3, 4, 6, 8)],
            "helpdesk": [{"k": k, "form": form} for k in (4, 8, 16) for form in ("chat", "plain")],
        },
        NEEDS,
    ),
    Technique(
        "self_consistency",
        "prompting",
        "01",
        self_consistency,
        {
            "toy_desk": [{"k": k, "temperature": t} for k in (1, 2, 4) for t in (0.3, 0.7)],
            "helpdesk": [{"k": k, "temperature": t, "form": "plain"} for k in (8, 16) for t in (0.3, 0.7)],
        },
        NEEDS,
    ),
)
