"""Prompt distillation: what an instruction makes a model do, trained into its weights.

    records = prompt_distillation.write(model, tokenizer, questions, instruction)    the teacher, instructed
    records = prompt_distillation.keep(records, style.check)                         what obeys, without loops
    student = lora.add(model, …); training.train(model, chat_format.encoded(tokenizer, records), …)

Teacher and student are one model: the teacher is asked with the instruction, the student without it. Taught
in lesson 06. Left out: the teacher's probabilities of all tokens, which teach more for each record. Sources:
Askell et al. 2021, "A general language assistant as a laboratory for alignment" (context distillation,
section 2.2); Snell et al. 2022, "Learning by distilling context".
"""

from course_utils import generation
from course_utils.ai_feedback.model_collapse import distinct
from course_utils.prompts.templates import render_chat

ROOM = 32  # the most new tokens of a reply
LEAST = 0.8  # of a reply's pairs of words must differ


def asked(tokenizer, question, instruction=None):
    """The chat prompt of a question, behind an instruction in the same turn if there is one."""
    content = f"{instruction} {question}" if instruction else question
    return render_chat(tokenizer, [{"role": "user", "content": content}])


def replies(model, tokenizer, questions, instruction=None, temperature=0.0, seed=0, room=ROOM):
    """The model's replies to the questions, with or without the instruction: list of str."""
    prompts = [asked(tokenizer, question, instruction) for question in questions]
    options = dict(max_new_tokens=room, temperature=temperature, seed=seed)
    return [text.strip() for text in generation.generate(model, tokenizer, prompts, **options)]


def write(model, tokenizer, questions, instruction, temperature=0.7, seed=0, room=ROOM):
    """Sampled records {"prompt": a question without the instruction, "completion": a reply with it}."""
    written = replies(model, tokenizer, questions, instruction, temperature, seed, room)
    return [{"prompt": q, "completion": reply} for q, reply in zip(questions, written, strict=True)]


def keep(records, check):
    """The records whose reply passes check(reply) -> bool, and neither is empty nor repeats itself."""
    return [r for r in records if r["completion"] and check(r["completion"]) and not repeats(r["completion"])]


def repeats(reply, least=LEAST):
    """Whether fewer than `least` of the reply's pairs of words are different (distinct-2)."""
    return len(reply.split()) > 2 and distinct([reply.lower()], 2) < least
