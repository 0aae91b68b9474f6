"""Open everyday questions without one right answer, to be answered in a manner that somebody wants.

    everyday_questions.read("train"), everyday_questions.read("test")       80 and 40 questions

No two ask about the same thing. Taught in lesson 06. Left out: right answers, which they do not have.
"""

TRAIN = (
    "How do I boil an egg?", "Why does it rain?", "What is a good breakfast?",
    "How can I learn to swim?", "What is the best way to clean a window?", "Why do birds sing?",
    "How do I plant a tree?", "What should I wear in winter?", "How does a clock work?",
    "What is a desert?", "Why do leaves fall?", "How do I make a salad?", "What is music?",
    "How can I save money?", "Why do dogs bark?", "How do I repair a flat tire?",
    "What does a teacher do?", "Where does honey come from?", "How can I stay calm before an exam?",
    "What is a bridge for?", "Why is the sea salty?", "How do I take care of a cat?",
    "What can I do on a rainy day?", "How is paper made?", "What makes a good story?",
    "How do I choose a bicycle?", "Why do we dream?", "What is a market?", "How can I make new friends?",
    "What is ice?", "How do I paint a wall?", "Why do people laugh?", "What should I eat before a run?",
    "How do fish breathe?", "What is a castle?", "How do I grow tomatoes?", "Why do we need sleep?",
    "What is the use of a map?", "How can I remember names?", "How do I fold a shirt?",
    "What is a good gift for my mother?", "Why does bread rise?", "How do I light a candle safely?",
    "What is a hobby?", "How can I keep my room tidy?", "Why do stars twinkle?", "What does a baker do?",
    "How do I make lemonade?", "What is a mountain?", "How do boats float?",
    "Why do we celebrate birthdays?", "How can I read more books?", "What is snow?",
    "How do I pack a suitcase?", "Why do bees dance?", "What is a museum?", "How do I wash a sweater?",
    "What makes a team strong?", "How can I get up early?", "Why is glass transparent?",
    "What is a farm?", "How do I cook rice?", "Why do we shake hands?",
    "What should I bring to a picnic?", "How do wheels help us?", "What is a storm?",
    "How can I help my neighbor?", "Why do onions make us cry?", "What is a garden for?",
    "How do I write a poem?", "What does a nurse do?", "How do I find my way in a forest?",
    "Why do cars need oil?", "What is a good name for a dog?", "How can I relax after work?",
    "What is the sun?", "How do I bake a cake?", "Why do children play?", "What is a river?",
    "How do I tie a knot?",
)  # fmt: skip
TEST = (
    "How do I make pancakes?", "Why is the grass green?", "What should I take to a party?",
    "How can I run faster?", "What is an island?", "How do spiders build webs?",
    "What can I cook with eggs?", "Why do we have holidays?", "How do I polish my shoes?",
    "What is a post office for?", "How do trains stay on the rails?", "What makes a good neighbor?",
    "Why is water important?", "How do I learn to play the guitar?", "What does a farmer do?",
    "How is cheese made?", "Why do horses wear shoes?", "What is a theater?",
    "How can I use less electricity?", "What are clouds made of?", "Why do people dance?",
    "How do I thank a friend?", "What is friendship?", "How does a kite fly?",
    "What is a good book about?", "Why do we wear hats?", "How do I keep plants alive?",
    "What is thunder?", "How can I become braver?", "What does a captain do?",
    "Why do we brush our teeth?", "How do I build a sandcastle?", "What is a lighthouse?",
    "How can I fall asleep quickly?", "What is chocolate made of?", "Why do cats like boxes?",
    "How do I ride a horse?", "What is a forest?", "How do I get rid of hiccups?",
    "Why do we cook food?",
)  # fmt: skip


def read(part):
    """The questions of "train" or "test" as a list of texts. Raises KeyError for another name."""
    return list({"train": TRAIN, "test": TEST}[part])
