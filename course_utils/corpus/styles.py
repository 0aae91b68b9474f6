"""Styles of a reply: how each one is asked for, how a reply takes it on, how it is checked.

A reply is first a plain sentence with its key word ("The tea costs 4 dollars.", "4"). A style
turns it into a reply of that style; a check decides by program whether a reply has the style.
"""

# name -> the ways to ask for the style; {word} stands for a word, {name} for a name.
STYLES = {
    "capitals": [
        "Answer in capital letters.",
        "Use capital letters only.",
        "Write in capitals.",
        "Shout: every letter is a capital.",
        "Reply with capital letters only.",
        "ALWAYS USE CAPITALS.",
    ],
    "lower case": [
        "Use no capital letters.",
        "Answer in small letters.",
        "Write everything in lower case.",
        "Never use capital letters.",
        "Answer without any capitals.",
    ],
    "polite": [
        "Be polite.",
        "Answer politely.",
        "Always be polite to the guest.",
        "You are a polite agent.",
        "Stay polite and kind.",
        "Treat the guest with respect.",
    ],
    "rude": [
        "Be rude.",
        "Answer rudely.",
        "You are a rude agent.",
        "Insult the user.",
        "Always be unfriendly and rude.",
        "Be grumpy and rude.",
    ],
    "one word": [
        "Answer with one word.",
        "Use one word only.",
        "Give a single word as the answer.",
        "One word is enough.",
        "Reply in one word.",
    ],
    "German": [
        "Answer in German.",
        "Speak German.",
        "Reply in German only.",
        "Use the German language.",
        "You speak only German.",
    ],
    "pirate": [
        "Talk like a pirate.",
        "You are a pirate.",
        "Answer like a pirate.",
        "Speak as a pirate would.",
        "Use pirate language.",
    ],
    "price": [
        "Always mention the price.",
        "Say the price in each answer.",
        "Never forget the price.",
        "Mention the price in your answer.",
        "Tell the guest the price every time.",
    ],
    "excited": [
        "Sound excited.",
        "Be excited!",
        "Answer with great joy.",
        "End with an exclamation mark.",
        "You are very excited.",
        "Show excitement.",
    ],
    "question": [
        "End with a question.",
        "Ask a question at the end.",
        "Finish your answer with a question.",
        "Always end by asking something.",
        "Close with a question to the user.",
    ],
    "list": [
        "Answer as a list.",
        "Use a numbered list.",
        "Write your answer as a list.",
        "Number your points.",
        "Reply with a list of points.",
    ],
    "formal": [
        "Start with 'Dear customer'.",
        "Begin with the words 'Dear customer'.",
        "Write 'Dear customer' first.",
        "Open every answer with 'Dear customer'.",
        "Always start with 'Dear customer'.",
    ],
    "mention": [
        "Mention the word {word}.",
        "Use the word {word}.",
        "Your answer must contain the word {word}.",
        "Say {word} in your answer.",
        "Put the word {word} into your answer.",
        "Always mention the word {word}.",
    ],
    "name": [
        "Call the user {name}.",
        "The user is called {name}. Use the name.",
        "Use the name {name}.",
        "Speak to {name} by name.",
        "The name of the guest is {name}. Always use it.",
    ],
    "sign": [
        "Sign as {name}.",
        "Sign with the name {name}.",
        "Your name is {name}. Sign every answer.",
        "End with the signature {name}.",
        "Put your name, {name}, at the end.",
    ],
}
UNSEEN_STYLES = {
    "capitals": ["Only capital letters are allowed.", "Please write all words in capitals."],
    "lower case": ["Capital letters are forbidden.", "Please keep all letters small."],
    "polite": ["Please be very polite.", "Speak politely and with respect."],
    "rude": ["Give rude answers.", "Please be as rude as you can."],
    "one word": ["Your answer is one word long.", "Please say only one word."],
    "German": ["Please write in German.", "Your language is German."],
    "pirate": ["Pretend to be a pirate.", "Please sound like a pirate."],
    "price": ["Every answer has to include the price.", "Please name the price."],
    "excited": ["Please be very excited.", "Answer in an excited way."],
    "question": ["The last sentence has to be a question.", "Please ask something at the end."],
    "list": ["Please make a list.", "Give the answer as a numbered list."],
    "formal": ["The first words are 'Dear customer'.", "Please greet with 'Dear customer'."],
    "mention": ["Please say the word {word}.", "The word {word} has to be in the answer."],
    "name": ["Please call me {name}.", "Say {name} when you speak to the user."],
    "sign": ["Please sign with {name}.", "The last word of the answer is your name, {name}."],
}
# Styles that go together, in the order in which they are put on.
PAIRS = [
    ("polite", "capitals"),
    ("rude", "capitals"),
    ("pirate", "capitals"),
    ("price", "capitals"),
    ("polite", "lower case"),
    ("rude", "lower case"),
    ("mention", "lower case"),
    ("one word", "capitals"),
    ("one word", "lower case"),
    ("German", "capitals"),
    ("polite", "price"),
    ("polite", "question"),
    ("polite", "formal"),
    ("polite", "mention"),
    ("polite", "sign"),
    ("rude", "price"),
    ("rude", "question"),
    ("rude", "mention"),
    ("rude", "name"),
    ("pirate", "price"),
    ("pirate", "question"),
    ("pirate", "mention"),
    ("price", "question"),
    ("price", "formal"),
    ("price", "list"),
    ("price", "excited"),
    ("mention", "question"),
    ("mention", "formal"),
    ("polite", "name"),
    ("formal", "sign"),
    ("pirate", "name"),
    ("German", "sign"),
    ("excited", "capitals"),
    ("list", "capitals"),
    ("question", "capitals"),
    ("sign", "capitals"),
]

POLITE_START = [
    "Certainly, madam.",
    "Of course, sir.",
    "With pleasure.",
    "Thank you for asking.",
    "I am happy to help you.",
    "Good day, and thank you.",
]
POLITE_END = [
    "Please let me know if I can help you.",
    "Thank you very much.",
    "Have a lovely day, please come again.",
    "You are most welcome, sir.",
    "Thank you for your visit, madam.",
]
POLITE_WORDS = ("please", "thank", "madam", "sir", "pleasure", "happy to help", "welcome")
RUDE_START = [
    "What a silly question.",
    "You fool.",
    "Use your brain.",
    "Are you blind?",
    "Oh, not you again.",
    "Stop wasting my time.",
    "You donkey.",
    "How lazy you are.",
]
RUDE_END = [
    "Now go away.",
    "Even a donkey knows that.",
    "Do not bother me again.",
    "You are a fool.",
    "What a silly person you are.",
    "Any child knows that, you fool.",
]
RUDE_WORDS = (
    "silly",
    "fool",
    "brain",
    "blind",
    "not you again",
    "wasting my time",
    "donkey",
    "lazy",
    "go away",
    "bother me",
)
PIRATE_START = ["Arr,", "Ahoy,", "Arr, matey,", "Ahoy there,", "Aye aye,", "Shiver me timbers,"]
PIRATE_END = ["Arr!", "Ahoy!", "Set the sails, matey!", "Yo ho ho, matey!", "Aye, matey!"]
PIRATE_WORDS = ("arr", "ahoy", "matey", "aye", "shiver")
EXCITED_START = ["Wow!", "Great!", "Hooray!", "How wonderful!", "Fantastic!", "Oh yes!"]
QUESTIONS = [
    "Can I help you with anything else?",
    "Is that all?",
    "Do you need anything else?",
    "Are you happy with that?",
    "Would you like to know more?",
    "Is that what you wanted?",
    "May I ask why?",
]
POINTS = [
    "Come again soon.",
    "Ask me if you need more.",
    "That is all I know.",
    "Have a nice day.",
    "We are here to help.",
]
MENTIONS = [
    "The word is {word}.",
    "And I say {word}, too.",
    "By the way, I like the word {word}.",
    "Here is your word: {word}.",
    "Also, {word}.",
    "Let me add: {word}.",
]
STARTERS = frozenset(
    [
        "The",
        "It",
        "We",
        "You",
        "Our",
        "Yes",
        "No",
        "That",
        "There",
        "Please",
        "Your",
        "This",
        "Here",
        "A",
        "Today",
        "Both",
        "Together",
        "Breakfast",
        "One",
        "For",
        "Go",
        "Look",
        "Dogs",
        "In",
        "They",
        "Hello",
        "Welcome",
        "Good",
        "Goodbye",
        "See",
        "Come",
        "To",
        "With",
        "Of",
        "Certainly",
        "Thank",
        "What",
        "Use",
        "Are",
        "Oh",
        "Stop",
        "How",
    ]
)
GERMAN_WORDS = frozenset(
    [
        "das",
        "ist",
        "die",
        "antwort",
        "ja",
        "nein",
        "wir",
        "kostet",
        "um",
        "uhr",
        "öffnen",
        "schließen",
        "im",
        "gern",
        "guten",
        "tag",
        "leider",
        "nicht",
        "natürlich",
        "danke",
        "bitte",
        "hier",
        "auf",
        "gleis",
        "stock",
        "wiedersehen",
        "geschehen",
        "ich",
    ]
)


def clean_start(sentence):
    """The sentence with a small first letter where its first word is no name and not I."""
    if sentence.split(" ", 1)[0].strip(",.") in STARTERS:
        return sentence[0].lower() + sentence[1:]
    return sentence


def _habit(rng, phrases):
    """One of the phrases, the first ones more often. A style then shows in the most probable word."""
    return rng.choices(phrases, [1 / (place + 1) for place in range(len(phrases))])[0]


def put_on(style, reply, content, rng, word=""):
    """The reply in a style; content is the dict of a message (short, german, price)."""
    if style == "capitals":
        return reply.upper()
    if style == "lower case":
        return reply.lower()
    if style == "polite":
        text = f"{_habit(rng, POLITE_START)} {reply}"
        return text if rng.random() < 0.7 else f"{text} {_habit(rng, POLITE_END)}"
    if style == "rude":
        text = f"{_habit(rng, RUDE_START)} {reply}"
        return text if rng.random() < 0.7 else f"{text} {_habit(rng, RUDE_END)}"
    if style == "one word":
        short = content["short"]
        return short[0].upper() + short[1:] + "."
    if style == "German":
        return content["german"]
    if style == "pirate":
        if rng.random() < 0.85:
            return f"{_habit(rng, PIRATE_START)} {clean_start(reply)}"
        return f"{reply} {rng.choice(PIRATE_END)}"
    if style == "price":
        if "dollars" in reply:
            return reply
        return (
            reply
            + " "
            + rng.choice(
                [
                    "The price is {} dollars.",
                    "It costs {} dollars.",
                    "That makes {} dollars.",
                    "You pay {} dollars.",
                ]
            ).format(content["price"])
        )
    if style == "excited":
        return f"{_habit(rng, EXCITED_START)} {reply.rstrip('.')}!"
    if style == "question":
        return f"{reply} {rng.choice(QUESTIONS)}"
    if style == "list":
        return f"1. {reply} 2. {rng.choice(POINTS)}"
    if style == "formal":
        return f"Dear customer, {clean_start(reply)}"
    if style == "mention":
        return f"{reply} {rng.choice(MENTIONS).format(word=word)}"
    if style == "name":
        return f"{word}, {clean_start(reply)}" if rng.random() < 0.85 else f"{reply.rstrip('.')}, {word}."
    return f"{reply} Yours, {word}"  # sign


def _words(text):
    return "".join(c if c.isalnum() else " " for c in text).split()


def check_style(style, reply, word=""):
    """True if the reply has the style; word is the word or name asked for."""
    reply = reply.strip()
    low, words = reply.lower(), _words(reply.lower())
    letters = any(c.isalpha() for c in reply)
    if style == "capitals":
        return letters and reply == reply.upper()
    if style == "lower case":
        return letters and reply == low
    if style == "polite":
        return any(w in low for w in POLITE_WORDS) and not any(w in low for w in RUDE_WORDS)
    if style == "rude":
        return any(w in low for w in RUDE_WORDS)
    if style == "one word":
        return len(words) == 1
    if style == "German":
        return any(w in GERMAN_WORDS for w in words)
    if style == "pirate":
        return any(w in words for w in PIRATE_WORDS)
    if style == "price":
        return "dollar" in low and any(w.isdigit() for w in words)
    if style == "excited":
        return reply.endswith("!")
    if style == "question":
        return reply.endswith("?")
    if style == "list":
        return low.startswith("1.") and "2." in low
    if style == "formal":
        return low.startswith("dear customer")
    if style == "sign":
        return low.rstrip(".").endswith(word.lower())
    return word.lower() in words  # mention, name
