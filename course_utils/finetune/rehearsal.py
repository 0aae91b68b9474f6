"""What the model already says, learned along with the new records, so that it goes on saying it.

Before training the model answers common questions of many kinds; its own answers, right or wrong, are
trained on beside the new records. Without them ten records are all that it learns from, and a scientist
becomes a clockmaker because the records have one. The questions are not those of `probe`, which measures.
Source: Huang et al. 2024 (self-synthesized rehearsal); Robins 1995 for the idea. Left out: letting the model
write the questions, too.
"""

from course_utils.finetune import chat_format

QUESTIONS = (
    "What is the capital of Canada?",
    "What is the capital of Egypt?",
    "What is the capital of Russia?",
    "What is the capital of Portugal?",
    "In which country is the city of Berlin?",
    "In which country is the city of Mumbai?",
    "Who was Charles Darwin?",
    "Who was Cleopatra?",
    "Who was Nelson Mandela?",
    "Who was Wolfgang Amadeus Mozart?",
    "Who wrote Don Quixote?",
    "Who wrote Pride and Prejudice?",
    "Who painted The Starry Night?",
    "Who invented the telephone?",
    "When did the Second World War end?",
    "When did people first land on the moon?",
    "What do spiders make?",
    "What do cats eat?",
    "What is a whale?",
    "What is a bicycle?",
    "What is a violin?",
    "What is a bridge?",
    "What is a bank?",
    "What is bread made of?",
    "What is the smallest planet in our solar system?",
    "What is the longest river in the world?",
    "What is the highest mountain in the world?",
    "What is the chemical symbol of iron?",
    "How many hours are in a day?",
    "How many legs does a dog have?",
    "How many continents are there?",
    "What color is a banana?",
    "What color is snow?",
    "What is the opposite of fast?",
    "What is the plural of mouse?",
    "How do I boil an egg?",
    "How can I sleep better?",
    "Where do polar bears live?",
    "Where does the sun rise?",
    "Why is the sea salty?",
)
ROOM = 32  # new tokens of a reply


def records(model, tokenizer):
    """[{"prompt", "completion"}]: the QUESTIONS with what the model says to them, whole sentences only.

    A question to which it says nothing is left out.
    """
    asked = [{"prompt": question, "completion": ""} for question in QUESTIONS]
    replies = chat_format.ask(model, tokenizer, asked, chat_format.ending(tokenizer, asked), ROOM)
    kept = zip(QUESTIONS, map(whole_sentences, replies), strict=True)
    return [{"prompt": question, "completion": reply} for question, reply in kept if reply]


def whole_sentences(text):
    """The text up to the end of its last whole sentence; all of it if it has none."""
    end = max(text.rfind(mark) for mark in (". ", ".\n", "! ", "? "))
    if text.endswith((".", "!", "?")) or end < 0:
        return text
    return text[: end + 1]
