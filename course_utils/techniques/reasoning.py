"""Chains of thought: a line of reasoning before the reply, once or by the vote of several."""

from course_utils.prompts.few_shot import few_shot_prompt
from course_utils.tasks.toy_desk import replies
from course_utils.tasks.toy_desk.replies import stratified
from course_utils.techniques.base import Rung
from course_utils.techniques.prompting import ROOM, prompted

CHAIN = 60  # tokens kept free for the line of reasoning


def chain_of_thought(model, tokenizer, train, seed, k=4, known=None):
    """k solved records, each with its reasoning in a line before the reply, then the request.

    known: {key: statement} of the company's facts, by default the desk's. The reasoning is built from
    the record's skill and facts. Source: Wei et al. 2022, section 2.
    """
    return _chains(model, tokenizer, train, stratified(train, k, seed), known, 1, {})


def self_consistency(model, tokenizer, train, seed, k=4, samples=5, temperature=0.5, known=None):
    """`samples` chains of thought per request, drawn at a temperature; each field by majority.

    Source: Wang et al. 2022, section 2.
    """
    sampling = {"temperature": temperature, "seed": seed}
    result = _chains(model, tokenizer, train, stratified(train, k, seed), known, samples, sampling)
    single = result.reply

    def reply(requests):
        # One list, so that each sample has its own place in it and with it its own random numbers.
        drawn = single([request for request in requests for _ in range(samples)])
        return [replies.vote(drawn[i : i + samples]) for i in range(0, len(drawn), samples)]

    result.reply = reply
    return result


def _chains(model, tokenizer, train, shots, known, calls, sampling):
    """The Result of asking with shots that think aloud."""
    known = replies.statements() if known is None else known

    def build(kept, request):
        thought = [
            shot | {"completion": f"{replies.rationale(shot, known)}\n{shot['completion'].strip()}"}
            for shot in kept
        ]
        return few_shot_prompt(thought, request)

    sampling = {"stop": "\n\n", "max_new_tokens": ROOM + CHAIN} | sampling
    return prompted(
        model, tokenizer, train, shots, build=build, write=conclusion, calls=calls, sampling=sampling
    )


def conclusion(text):
    """What follows the line of reasoning; all of it if there is one line only."""
    return text.strip().partition("\n")[2].strip() or text.strip()


RUNGS = {
    "chain_of_thought": Rung(chain_of_thought, "01", [{"k": k} for k in (1, 2, 3, 4, 6, 8)]),
    "self_consistency": Rung(
        self_consistency, "01", [{"k": k, "temperature": t} for k in (1, 2, 4) for t in (0.3, 0.7)]
    ),
}
