"""One question per lesson with numbers of the learner's own: n00 for lesson 00, n01 for 01, and so on."""

import math

from course_utils.lessons.personal import Personal

n00 = Personal(
    "00.n1",
    """
    Three tokens came, and the model had given them the probabilities {a}, {b} and {c}.
    What is its loss on this text: the mean of minus the natural logarithms? Three digits are enough.
    """,
    draw=lambda rng: dict(zip("abc", rng.sample([0.02, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 0.9], 3))),
    solve=lambda a, b, c: -math.log(a * b * c) / 3,
    slips=[
        (lambda a, b, c: -math.log(a * b * c), "that is the sum: a loss is the mean over the tokens"),
        (lambda a, b, c: -math.log2(a * b * c) / 3, "that is in bits: use the natural logarithm"),
        (lambda a, b, c: math.log(a * b * c) / 3, "a loss is never negative: mind the sign"),
        (
            lambda a, b, c: -math.log((a + b + c) / 3),
            "take the logarithm of each probability first, then the mean",
        ),
    ],
    hints=["math.log is the natural logarithm."],
    working="-(log {a} + log {b} + log {c}) / 3",
)

n01 = Personal(
    "01.n1",
    """
    A prompt holds {shots} examples of {each} tokens and a query of {query} tokens. Self-consistency samples
    {votes} replies of {reply} tokens, each in a request of its own. How many tokens does one question cost,
    prompts and replies together?
    """,
    draw=lambda rng: dict(
        shots=rng.randint(3, 12),
        each=rng.randint(15, 40),
        query=rng.randint(20, 60),
        votes=rng.randint(5, 15),
        reply=rng.randint(30, 80),
    ),
    solve=lambda shots, each, query, votes, reply: votes * (shots * each + query + reply),
    slips=[
        (
            lambda shots, each, query, votes, reply: shots * each + query + votes * reply,
            "each sample is a request of its own: the prompt is paid for every time",
        ),
        (
            lambda shots, each, query, votes, reply: votes * (query + reply),
            "the examples stand in every prompt: they are paid for, too",
        ),
        (
            lambda shots, each, query, votes, reply: votes * (shots * each + query),
            "the replies are tokens, too",
        ),
        (
            lambda shots, each, query, votes, reply: shots * each + query + reply,
            "that is one sample: self-consistency asks several times",
        ),
    ],
    hints=["What does one request cost? How many requests are there?"],
    working="{votes} · ({shots} · {each} + {query} + {reply})",
    within=1e-6,
)

n02 = Personal(
    "02.n1",
    """
    A model has {layers} layers, and its keys and values are {width} wide. Each of {tasks} tasks keeps a
    prefix of {length} positions. How many parameters are stored for all tasks together?
    """,
    draw=lambda rng: dict(
        width=rng.choice([256, 384, 512, 768, 1024]),
        layers=rng.randint(4, 24),
        tasks=rng.randint(3, 9),
        length=rng.randint(5, 30),
    ),
    solve=lambda width, layers, tasks, length: 2 * width * layers * tasks * length,
    slips=[
        (
            lambda width, layers, tasks, length: width * layers * tasks * length,
            "each position keeps a key and a value: two vectors in every layer",
        ),
        (
            lambda width, layers, tasks, length: width * tasks * length,
            "that is prompt tuning: a prefix stands in every layer, as keys and values",
        ),
        (lambda width, layers, tasks, length: 2 * width * layers * length, "that is one task"),
    ],
    hints=["A key and a value, for each position, in each layer, for each task."],
    working="2 · {width} · {layers} · {length} · {tasks}",
    within=1e-6,
)

n03 = Personal(
    "03.n1",
    """
    LoRA of rank {rank} changes the query and the value projection ({width} by {width} each) in each of
    {layers} layers. How many parameters does it train?
    """,
    draw=lambda rng: dict(
        rank=rng.choice([2, 4, 8, 16]), width=rng.choice([320, 640, 1280, 2560]), layers=rng.randint(6, 40)
    ),
    solve=lambda rank, width, layers: 2 * layers * rank * 2 * width,
    slips=[
        (
            lambda rank, width, layers: 2 * layers * rank * width,
            "each changed matrix has two factors, one on each side of the rank",
        ),
        (
            lambda rank, width, layers: layers * rank * width,
            "two matrices in each layer, two factors for each",
        ),
        (lambda rank, width, layers: 2 * layers * width * width, "that is the two matrices in full"),
        (lambda rank, width, layers: 2 * rank * 2 * width, "that is one layer"),
    ],
    hints=["One matrix: A is rank by width, B is width by rank."],
    working="{layers} layers · 2 matrices · 2 factors · {rank} · {width}",
    within=1e-6,
)

n04 = Personal(
    "04.n1",
    """
    You have {records} records and train for {epochs} epochs in batches of {batch}; the last batch of an epoch
    may be smaller, and is used. How many steps does the optimizer take?
    """,
    draw=lambda rng: dict(
        batch=(batch := rng.choice([8, 16, 32])),
        records=batch * rng.randint(6, 20) + rng.randint(1, batch - 1),
        epochs=rng.randint(3, 7),
    ),
    solve=lambda records, epochs, batch: epochs * math.ceil(records / batch),
    slips=[
        (
            lambda records, epochs, batch: epochs * (records // batch),
            "the smaller last batch is a step, too: round up",
        ),
        (lambda records, epochs, batch: math.ceil(records / batch), "that is one epoch"),
        (
            lambda records, epochs, batch: epochs * records,
            "a step takes a whole batch, not one record",
        ),
    ],
    hints=["How many batches are there in one epoch?"],
    working="{epochs} · ceil({records} / {batch})",
    within=1e-6,
)

n05 = Personal(
    "05.n1",
    """
    Right and sure earns 1, right but hedged 0.5, wrong and sure -2, wrong but hedged 0. Of {count} questions
    a policy knows {known} %. It answers all of them as if it were sure. What does it earn in all?
    """,
    draw=lambda rng: dict(
        count=rng.randrange(200, 1000, 100), known=rng.choice([40, 45, 55, 60, 70, 75, 85])
    ),
    solve=lambda count, known: count * (known - 2 * (100 - known)) / 100,
    slips=[
        (lambda count, known: count * known / 100, "wrong and sure is not free: it costs 2 each time"),
        (lambda count, known: count * (known - (100 - known)) / 100, "wrong and sure costs 2, not 1"),
        (lambda count, known: count * known / 200, "that is what hedging every answer earns"),
        (lambda count, known: (known - 2 * (100 - known)) / 100, "that is one question"),
    ],
    hints=["How many are right, how many wrong? Each right one earns 1, each wrong one -2."],
    working="{count} · ({known} % · 1 - (100 % - {known} %) · 2)",
    within=1e-6,
)

n06 = Personal(
    "06.n1",
    """
    A judge agrees with people on {agreed} of {pairs} pairs. A coin would agree on half of them. What share of
    the way from the coin to full agreement has the judge gone? (This is Cohen's kappa for equal halves.)
    """,
    draw=lambda rng: dict(
        pairs=(pairs := rng.randrange(200, 600, 20)), agreed=round(pairs * rng.randint(60, 92) / 100)
    ),
    solve=lambda pairs, agreed: 2 * agreed / pairs - 1,
    slips=[
        (lambda pairs, agreed: agreed / pairs, "that is the agreement: the coin's half is still in it"),
        (
            lambda pairs, agreed: agreed / pairs - 0.5,
            "divide by what was left to gain: the coin leaves half",
        ),
        (lambda pairs, agreed: 100 * (2 * agreed / pairs - 1), "that is in percent: give the share, up to 1"),
    ],
    hints=["(agreement - chance) / (1 - chance)"],
    working="({agreed} / {pairs} - 0.5) / 0.5",
)

n07 = Personal(
    "07.n1",
    """
    Two techniques answered the same {items} test items. {first} items were right with the first alone,
    {second} with the second alone. By how many points (of 100) is the first ahead?
    """,
    draw=lambda rng: dict(
        items=rng.randrange(300, 900, 50), first=rng.randint(60, 120), second=rng.randint(10, 50)
    ),
    solve=lambda items, first, second: 100 * (first - second) / items,
    slips=[
        (lambda items, first, second: 100 * (second - first) / items, "that is the second minus the first"),
        (lambda items, first, second: (first - second) / items, "that is a share: points are of 100"),
        (
            lambda items, first, second: 100 * (first - second) / (first + second),
            "divide by all items: those on which both agree count as no difference",
        ),
        (lambda items, first, second: 100 * first / items, "the items that only the second gets count, too"),
    ],
    hints=["Items that both get, or neither, make no difference."],
    working="100 · ({first} - {second}) / {items}",
)

n08 = Personal(
    "08.n1",
    """
    A model of {billions} billion parameters is trained in full with AdamW in fp32: weights, gradients and two
    states of the optimizer, 4 bytes each. All of it is sharded over {devices} devices. How many gigabytes
    (10^9 bytes) does each device hold, activations aside?
    """,
    draw=lambda rng: dict(billions=rng.choice([1.3, 2.7, 6.7, 13, 30]), devices=rng.choice([2, 3, 5, 6, 10])),
    solve=lambda billions, devices: 16 * billions / devices,
    slips=[
        (lambda billions, devices: 16 * billions, "that is all of it: sharding gives each device its part"),
        (lambda billions, devices: 4 * billions / devices, "those are the weights alone"),
        (
            lambda billions, devices: 12 * billions / devices,
            "one of the four is missing: weights, gradients, and two states of the optimizer",
        ),
        (lambda billions, devices: 8 * billions / devices, "each number has 4 bytes in fp32, not 2"),
    ],
    hints=["How many bytes does one parameter need in all?"],
    working="{billions} · 4 numbers · 4 bytes / {devices}",
)
