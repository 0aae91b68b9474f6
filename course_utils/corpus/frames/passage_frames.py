"""The sentence frames of the reading passages: fourteen situations, each with its attributes.

An attribute is something that several people of a passage have, each a different one (where
they live, what they bought), so that the other people are the distractors of every question.

    attribute(values, sentences, asks, whos, unseen)
        values     the name of a pool in passages.py ({v} in the sentences)
        sentences  wordings of the fact, {p} is the person
        asks       questions about {p}, answered by the value
        whos       questions about {v}, answered by the person
        unseen     questions like `asks` that only evaluation items use
"""

from types import SimpleNamespace


def attribute(values, sentences, asks, whos, unseen):
    """One attribute; see the module docstring."""
    return SimpleNamespace(values=values, sentences=sentences, asks=asks, whos=whos, unseen=unseen)


def situation(openers, fillers, *attributes, about="people"):
    """Openers may start a passage, fillers stand between the facts; neither is asked about.

    `about` is the pool of {p}; where it is not people, no sentence begins with {p}.
    """
    return SimpleNamespace(openers=openers, fillers=fillers, attributes=attributes, about=about)


SITUATIONS = (
    situation(  # a market
        ("It was market day.", "The market was full of people.", "The market opened early."),
        ("Everyone had a good time.", "The prices were fair.", "The bread smelled good."),
        attribute(
            "a fruit",
            ("{p} bought {v}.", "{p} came home with {v}.", "At the market {p} picked {v}."),
            ("What did {p} buy?", "Which fruit did {p} get?"),
            ("Who bought {v}?", "Who got {v}?"),
            ("Which fruit did {p} choose?",),
        ),
        attribute(
            "number",
            ("{p} paid {v} coins.", "{p} spent {v} coins at the market."),
            ("How many coins did {p} pay?", "How many coins did {p} spend?"),
            ("Who paid {v} coins?", "Who spent {v} coins?"),
            ("How much money did {p} pay?",),
        ),
        attribute(
            "place",
            ("{p} came from {v}.", "{p} had travelled to the market from {v}."),
            ("Where did {p} come from?", "From which town did {p} come?"),
            ("Who came from {v}?",),
            ("What town is {p} from?",),
        ),
        attribute(
            "a vegetable",
            ("{p} sold {v}.", "A woman gave {v} to {p}."),
            ("Which vegetable did {p} have?", "What vegetable did {p} have in the end?"),
            ("Which person is linked with {v}?",),
            ("Which vegetable goes with {p}?",),
        ),
    ),
    situation(  # homes
        ("Some friends live far apart.", "These people know each other from school.", "Here is some news."),
        ("They write to each other often.", "They meet once a year.", "All of them like their homes."),
        attribute(
            "place",
            ("{p} lives in {v}.", "{p} has a house in {v}.", "The home of {p} is in {v}."),
            ("Where does {p} live?", "In which town does {p} live?"),
            ("Who lives in {v}?", "Whose home is in {v}?"),
            ("What is the home town of {p}?",),
        ),
        attribute(
            "profession",
            ("{p} is {v}.", "{p} works as {v}."),
            ("What is the job of {p}?", "What does {p} work as?"),
            ("Who is {v}?", "Who works as {v}?"),
            ("What does {p} do for a living?",),
        ),
        attribute(
            "an animal",
            ("{p} has {v}.", "{p} keeps {v} at home.", "The pet of {p} is {v}."),
            ("Which animal does {p} have?", "What pet does {p} keep?"),
            ("Who has {v}?", "Who keeps {v}?"),
            ("What kind of pet lives with {p}?",),
        ),
        attribute(
            "number",
            ("{p} is {v} years old.", "{p} turned {v} last week."),
            ("How old is {p}?", "What is the age of {p}?"),
            ("Who is {v} years old?", "Who is {v}?"),
            ("What age is {p}?",),
        ),
        attribute(
            "colour",
            ("The front door of {p} is {v}.", "{p} painted the front door {v}."),
            ("What colour is the front door of {p}?", "Which colour did {p} choose for the door?"),
            ("Who has a {v} door?",),
            ("What is the colour of the door of {p}?",),
        ),
    ),
    situation(  # a trip
        ("The holidays began.", "Everyone went away in summer.", "It was time to travel."),
        ("The weather was fine.", "The roads were busy.", "They took many photos.", "Nobody was late."),
        attribute(
            "place",
            ("{p} went to {v}.", "{p} travelled to {v}.", "{p} spent the week in {v}."),
            ("Where did {p} go?", "Which town did {p} visit?"),
            ("Who went to {v}?", "Who visited {v}?"),
            ("To which place did {p} travel?",),
        ),
        attribute(
            "vehicle",
            ("{p} travelled by {v}.", "{p} took the {v}.", "{p} went there by {v}."),
            ("How did {p} travel?", "What did {p} travel by?"),
            ("Who travelled by {v}?", "Who took the {v}?"),
            ("Which vehicle did {p} use?",),
        ),
        attribute(
            "day",
            ("{p} came back on {v}.", "{p} got home on {v}."),
            ("On which day did {p} come back?", "When did {p} get home?"),
            ("Who came back on {v}?",),
            ("What day did {p} return?",),
        ),
        attribute(
            "clothing",
            ("{p} packed {v}.", "{p} took along {v}."),
            ("What did {p} pack?", "What did {p} take along?"),
            ("Who packed {v}?", "Who took along {v}?"),
            ("What was in the bag of {p}?",),
        ),
    ),
    situation(  # a school day
        ("The bell rang at eight.", "It was a long school day.", "The class was busy."),
        ("The teacher was pleased.", "Then it was time for lunch.", "The room was quiet."),
        attribute(
            "subject",
            ("{p} likes {v} best.", "The favourite subject of {p} is {v}."),
            ("Which subject does {p} like best?", "What is the favourite subject of {p}?"),
            ("Who likes {v} best?",),
            ("Which lesson does {p} enjoy most?",),
        ),
        attribute(
            "sport",
            ("After school {p} does {v}.", "In the afternoon {p} has {v}."),
            ("Which sport does {p} do?", "What does {p} do after school?"),
            ("Who does {v}?", "Who has {v} after school?"),
            ("What is the sport of {p}?",),
        ),
        attribute(
            "an office",
            ("{p} forgot {v}.", "{p} left {v} at home."),
            ("What did {p} forget?", "What did {p} leave at home?"),
            ("Who forgot {v}?", "Who left {v} at home?"),
            ("What does {p} not have at school?",),
        ),
        attribute(
            "number",
            ("{p} got {v} points in the test.", "{p} had {v} points."),
            ("How many points did {p} get?", "How many points did {p} have?"),
            ("Who got {v} points?", "Who had {v} points?"),
            ("What was the score of {p}?",),
        ),
    ),
    situation(  # a shop
        ("The shop is on the corner.", "The shop was open until six.", "There was a sale in the shop."),
        ("The shopkeeper was kind.", "The queue was long.", "Music was playing."),
        attribute(
            "clothing",
            ("{p} bought {v}.", "{p} tried on {v}.", "{p} ordered {v}."),
            ("What did {p} want to wear?", "Which piece of clothing did {p} choose?"),
            ("Who wanted {v}?", "Who chose {v}?"),
            ("Which item was for {p}?",),
        ),
        attribute(
            "day",
            ("{p} went to the shop on {v}.", "{p} was there on {v}."),
            ("On which day did {p} go to the shop?", "When was {p} in the shop?"),
            ("Who was in the shop on {v}?",),
            ("What day did {p} go shopping?",),
        ),
        attribute(
            "a tool",
            ("{p} needed {v}.", "{p} asked for {v}."),
            ("What did {p} need?", "What did {p} ask for?"),
            ("Who needed {v}?", "Who asked for {v}?"),
            ("Which tool did {p} look for?",),
        ),
        attribute(
            "number",
            ("{p} waited {v} minutes.", "{p} stayed for {v} minutes."),
            ("How many minutes did {p} wait?", "For how many minutes was {p} there?"),
            ("Who was there for {v} minutes?",),
            ("How long was {p} there, in minutes?",),
        ),
    ),
    situation(  # a match
        ("The match was exciting.", "On Saturday there was a big match.", "The players were ready."),
        ("The crowd cheered.", "It rained a little.", "The referee was strict."),
        attribute(
            "number",
            ("{p} scored {v} points.", "{p} made {v} points."),
            ("How many points did {p} score?", "How many points did {p} make?"),
            ("Who scored {v} points?", "Who made {v} points?"),
            ("What was the result of {p}?",),
        ),
        attribute(
            "place",
            ("{p} plays for {v}.", "{p} is in the team of {v}."),
            ("For which town does {p} play?", "Which team is {p} in?"),
            ("Who plays for {v}?",),
            ("What is the team of {p}?",),
        ),
        attribute(
            "colour",
            ("{p} wore a {v} shirt.", "The shirt of {p} was {v}."),
            ("What colour was the shirt of {p}?", "Which colour did {p} wear?"),
            ("Who wore a {v} shirt?", "Whose shirt was {v}?"),
            ("In which colour did {p} play?",),
        ),
        attribute(
            "body",
            ("{p} hurt the left {v}.", "{p} fell and hurt the {v}."),
            ("What did {p} hurt?", "Which part of the body did {p} hurt?"),
            ("Who hurt the {v}?",),
            ("Where was {p} hurt?",),
        ),
    ),
    situation(  # letters and presents
        ("It was a day of presents.", "The post came early.", "There was a birthday party."),
        ("Everybody said thank you.", "The cards were pretty.", "There was cake for all."),
        attribute(
            "a toy",
            ("{p} got {v}.", "{p} was given {v}.", "There was {v} for {p}."),
            ("What did {p} get?", "Which present was for {p}?"),
            ("Who got {v}?", "Who was given {v}?"),
            ("What was the gift for {p}?",),
        ),
        attribute(
            "place",
            ("{p} had a letter from {v}.", "A card for {p} came from {v}."),
            ("From where did {p} get post?", "Where did the post for {p} come from?"),
            ("Who got post from {v}?",),
            ("Which town sent something to {p}?",),
        ),
        attribute(
            "month",
            ("The birthday of {p} is in {v}.", "{p} was born in {v}."),
            ("In which month was {p} born?", "When is the birthday of {p}?"),
            ("Who was born in {v}?", "Whose birthday is in {v}?"),
            ("What is the month of {p}?",),
        ),
        attribute(
            "flower",
            ("{p} likes the {v} best.", "The favourite flower of {p} is the {v}."),
            ("What is the favourite flower of {p}?", "Which flower does {p} like best?"),
            ("Who likes the {v} best?",),
            ("Which flower would please {p}?",),
        ),
    ),
    situation(  # lost things
        ("Many things get lost.", "It was a day of bad luck.", "People lose things every day."),
        ("They looked everywhere.", "A kind man helped.", "In the end all was well."),
        attribute(
            "clothing",
            ("{p} lost {v}.", "{p} could not find {v}."),
            ("What did {p} lose?", "What could {p} not find?"),
            ("Who lost {v}?", "Who could not find {v}?"),
            ("What was missing for {p}?",),
        ),
        attribute(
            "room",
            ("{p} searched the {v}.", "{p} looked in the {v}."),
            ("Where did {p} look?", "Which room did {p} search?"),
            ("Who searched the {v}?", "Who looked in the {v}?"),
            ("In what room was {p}?",),
        ),
        attribute(
            "a kitchen",
            ("{p} found {v} instead.", "{p} only found {v}."),
            ("What did {p} find?", "Which thing did {p} find?"),
            ("Who found {v}?",),
            ("What turned up when {p} looked?",),
        ),
        attribute(
            "day",
            ("{p} noticed it on {v}.", "For {p} it happened on {v}."),
            ("On which day did {p} notice?", "When did it happen to {p}?"),
            ("Who noticed on {v}?",),
            ("What day was it for {p}?",),
        ),
    ),
    situation(  # a house with rooms
        ("The house has many rooms.", "They share a big house.", "It was quiet in the old house."),
        ("The garden is small.", "The windows were open.", "Supper is at seven."),
        attribute(
            "room",
            ("{p} is in the {v}.", "{p} sits in the {v}.", "You can find {p} in the {v}."),
            ("Where is {p}?", "In which room is {p}?"),
            ("Who is in the {v}?", "Who sits in the {v}?"),
            ("Which room is {p} in?",),
        ),
        attribute(
            "a furniture",
            ("{p} has a new room with {v}.", "In the room of {p} there is {v}."),
            ("What is in the room of {p}?", "What does {p} have in the room?"),
            ("Who has {v} in the room?",),
            ("Which piece of furniture does {p} own?",),
        ),
        attribute(
            "colour",
            ("The room of {p} is {v}.", "{p} painted the walls {v}."),
            ("What colour is the room of {p}?", "Which colour are the walls of {p}?"),
            ("Whose room is {v}?",),
            ("What is the wall colour of {p}?",),
        ),
        attribute(
            "drink",
            ("{p} is drinking {v}.", "{p} would like some {v}."),
            ("What does {p} want to drink?", "Which drink is for {p}?"),
            ("Who would like {v}?", "For whom is the {v}?"),
            ("What is in the cup of {p}?",),
        ),
    ),
    situation(  # a concert
        ("The concert was on Friday.", "The hall was full.", "The band is ready."),
        ("The music was lovely.", "People clapped for a long time.", "The seats were soft."),
        attribute(
            "the instrument",
            ("{p} played {v}.", "{p} was on {v}.", "{p} practised {v} all day."),
            ("What did {p} play?", "Which instrument did {p} play?"),
            ("Who played {v}?", "Who was on {v}?"),
            ("What was the instrument of {p}?",),
        ),
        attribute(
            "number",
            ("{p} sat in row {v}.", "The seat of {p} was in row {v}."),
            ("In which row did {p} sit?", "In which row was the seat of {p}?"),
            ("Who sat in row {v}?",),
            ("What was the row of {p}?",),
        ),
        attribute(
            "colour",
            ("{p} came in {v}.", "{p} was dressed in {v}."),
            ("Which colour did {p} wear?", "In which colour was {p} dressed?"),
            ("Who was dressed in {v}?", "Who came in {v}?"),
            ("What was the colour of {p}?",),
        ),
        attribute(
            "place",
            ("{p} had come from {v}.", "{p} grew up in {v}."),
            ("From which town was {p}?", "Which town was {p} from?"),
            ("Who was from {v}?",),
            ("What is the home of {p}?",),
        ),
    ),
    situation(  # a hospital
        ("The hospital is large.", "The nurse wrote everything down.", "It was a busy night."),
        ("The doctor came soon.", "They all slept well.", "The food was not bad."),
        attribute(
            "number",
            ("{p} is in room {v}.", "{p} was taken to room {v}."),
            ("In which room is {p}?", "What is the room number of {p}?"),
            ("Who is in room {v}?",),
            ("Which room has the bed of {p}?",),
        ),
        attribute(
            "body",
            ("{p} has a sore {v}.", "{p} has a pain in the {v}."),
            ("What hurts {p}?", "Where does {p} have a pain?"),
            ("Who has a sore {v}?", "Who has a pain in the {v}?"),
            ("What is wrong with {p}?",),
        ),
        attribute(
            "day",
            ("{p} may go home on {v}.", "{p} will leave on {v}."),
            ("When may {p} go home?", "On which day will {p} leave?"),
            ("Who will leave on {v}?", "Who may go home on {v}?"),
            ("What is the last day of {p}?",),
        ),
        attribute(
            "dish",
            ("{p} ate the {v}.", "{p} asked for the {v}."),
            ("Which dish was for {p}?", "What was the meal of {p}?"),
            ("Who had the {v}?",),
            ("Which food did {p} have?",),
        ),
    ),
    situation(  # a farm
        ("The farm lies by a river.", "There is much to do on the farm.", "The sun rose over the farm."),
        ("The hens were loud.", "The farmer was tired.", "The grass is high."),
        attribute(
            "the animal",
            ("{p} feeds {v}.", "{p} looks after {v}.", "{p} brushes {v}."),
            ("Which animal does {p} care for?", "What does {p} look after?"),
            ("Who cares for {v}?", "Who looks after {v}?"),
            ("Which animal is the task of {p}?",),
        ),
        attribute(
            "the tool",
            ("{p} works with {v}.", "{p} carries {v}."),
            ("Which tool does {p} use?", "What does {p} work with?"),
            ("Who works with {v}?", "Who uses {v}?"),
            ("What tool is in the hands of {p}?",),
        ),
        attribute(
            "number",
            ("{p} planted {v} trees.", "{p} put {v} trees in the ground."),
            ("How many trees did {p} plant?", "How many trees are from {p}?"),
            ("Who planted {v} trees?",),
            ("What number of trees did {p} plant?",),
        ),
        attribute(
            "the building",
            ("{p} slept in {v}.", "{p} is staying in {v}."),
            ("Where did {p} sleep?", "Where is {p} staying?"),
            ("Who slept in {v}?", "Who is staying in {v}?"),
            ("What is the sleeping place of {p}?",),
        ),
    ),
    situation(  # sights of a town
        ("The town has many sights.", "Here are some tips for visitors.", "Visitors are welcome."),
        ("Bring an umbrella.", "The town hall has a map.", "Children are welcome too."),
        attribute(
            "day",
            ("You can visit {p} on {v}.", "There is a tour of {p} on {v}."),
            ("When can you visit {p}?", "On which day is the tour of {p}?"),
            ("What can you visit on {v}?",),
            ("What day is best for {p}?",),
        ),
        attribute(
            "number",
            ("It costs {v} coins to see {p}.", "You pay {v} coins for {p}."),
            ("How many coins does {p} cost?", "How many coins do you pay for {p}?"),
            ("What costs {v} coins?",),
            ("What is the price of {p}?",),
        ),
        attribute(
            "place",
            ("The old road leads from {p} to {v}.", "From {p} you can walk to {v}."),
            ("Where can you walk from {p}?", "To which place does the road from {p} lead?"),
            ("From where can you walk to {v}?",),
            ("Which place can you reach from {p}?",),
        ),
        attribute(
            "name",
            ("It was {v} who built {p}.", "Years ago {v} built {p}."),
            ("Who built {p}?", "By whom was {p} built?"),
            ("What did {v} build?",),
            ("Who was the builder of {p}?",),
        ),
        about="the building",
    ),
    situation(  # things in a house
        ("The house was tidy at last.", "Everything has its place.", "They made a list."),
        ("The list is long.", "Nothing is missing.", "Please be careful."),
        attribute(
            "room",
            ("They keep {p} in the {v}.", "You will find {p} in the {v}."),
            ("Where is {p}?", "In which room do they keep {p}?"),
            ("What is in the {v}?",),
            ("Where can I find {p}?",),
        ),
        attribute(
            "name",
            ("On Monday {v} needs {p}.", "It is {v} who owns {p}."),
            ("Who has {p}?", "Which person has {p}?"),
            ("What does {v} have?",),
            ("To whom does {p} belong?",),
        ),
        attribute(
            "colour",
            ("They painted {p} {v}.", "The colour of {p} is {v}."),
            ("What colour is {p}?", "Which colour does {p} have?"),
            ("What is {v}?",),
            ("In which colour is {p}?",),
        ),
        attribute(
            "number",
            ("They paid {v} coins for {p}.", "The price of {p} was {v} coins."),
            ("How many coins did {p} cost?", "How many coins did they pay for {p}?"),
            ("What cost {v} coins?",),
            ("What was the price of {p}?",),
        ),
        about="the tool",
    ),
)
