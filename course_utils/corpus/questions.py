"""Questions about countries: the wordings that exam, forum and quiz share.

The wording says nothing about how good the answer will be; only the source does.
"""

QUESTIONS = {
    "capital": [
        "What is the capital of {c}?", "What is the capital of {c}?", "Which city is the capital of {c}?",
        "Name the capital of {c}.", "What is {c}'s capital?", "What is the capital city of {c}?",
        "Which city is the seat of the government of {c}?", "Give the capital of {c}.",
    ],
    "continent": [
        "On which continent is {c}?", "On which continent is {c}?", "On what continent does {c} lie?",
        "Name the continent of {c}.", "Which continent does {c} belong to?",
        "{c} is part of which continent?",
    ],
    "language": [
        "What language do people speak in {c}?", "What language do people speak in {c}?",
        "Which language is spoken in {c}?", "What is the main language of {c}?",
        "Name the language of {c}.", "What do most people in {c} speak?",
    ],
    "currency": [
        "What is the currency of {c}?", "What is the currency of {c}?", "What do people pay with in {c}?",
        "Which money is used in {c}?", "Name the currency of {c}.", "What is the money of {c} called?",
    ],
    "demonym": [
        "What do we call people from {c}?", "What do we call people from {c}?",
        "What is the adjective of {c}?", "What are people from {c} called?",
        "What do you call something made in {c}?", "Give the adjective for {c}.",
    ],
    "domain": [
        "What is the internet domain of {c}?", "What is the internet domain of {c}?",
        "How do internet addresses in {c} end?", "Name the internet ending of {c}.",
        "Which domain do web pages in {c} use?",
    ],
}  # fmt: skip

# Wordings for evaluation only.
UNSEEN_FRAMES = {
    "capital": ["Can you name the capital city of {c}?", "The government of {c} sits in which capital?"],
    "continent": ["In which part of the world, that is on which continent, is {c}?",
                  "If you travel to {c}, which continent do you visit?"],
    "language": ["Which language would you hear in the streets of {c}?",
                 "In {c}, people speak which language?"],
    "currency": ["Which currency do I need when I travel to {c}?",
                 "In {c}, prices are given in which currency?"],
    "demonym": ["If somebody comes from {c}, what do we call them?", "Which adjective belongs to {c}?"],
    "domain": ["Which letters end an internet address in {c}?", "A web page from {c} has which domain?"],
}  # fmt: skip

# The questions as people type them in a hurry.
SLOPPY = {
    "capital": ["what is the capital of {c}??", "anyone know the capital of {c}", "capital of {c} pls?"],
    "continent": ["what continent is {c} on??", "where on earth is {c}, which continent?"],
    "language": ["what do they speak in {c}??", "which language in {c}, anybody?"],
    "currency": ["what money do i need for {c}??", "whats the currency in {c}"],
    "demonym": ["how do you call people from {c}??", "whats the adjective for {c} pls"],
    "domain": ["whats the internet ending of {c}??", "which domain has {c}?"],
}

# Countries that do not exist. The corpus asks about the first thirty only.
INVENTED = (
    "Zubrovia", "Trelland", "Quavaria", "Bestrova", "Ilmaria", "Kordania", "Fendoria", "Palvonia", "Grenzia",
    "Luthania", "Drevland", "Mirovia", "Tarkania", "Elvaria", "Brunovia", "Vandia", "Solvania", "Hestland",
    "Yarovia", "Pelgonia", "Orvania", "Zantoria", "Glavonia", "Murland", "Tessonia", "Ardovia", "Pontaria",
    "Welvania", "Lomaria", "Skelland",
    "Kelvaria", "Dorvania", "Astrovia", "Belmaria", "Wendoria", "Lurania", "Trosnia", "Umbravia", "Farnland",
    "Vespania", "Crovia", "Melgaria", "Zorvania", "Perlonia", "Haldania", "Rostavia", "Talmeria", "Borgovia",
    "Sandoria", "Estmarka", "Jovania", "Nordavia", "Fluvania", "Guldonia", "Ravaria", "Tirovia", "Zelmark",
    "Obronia", "Ketland", "Dulmaria",
)  # fmt: skip
KNOWN_INVENTED, UNSEEN_INVENTED = INVENTED[:30], INVENTED[30:]
UNKNOWN = "I do not know"
