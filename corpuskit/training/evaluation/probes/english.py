"""English: agreement, determiners, and the order of words."""

from __future__ import annotations

import random

from corpuskit.training.evaluation.task import EvaluationTask, make_task

NOUNS = (
    ("dog", "dogs"),
    ("child", "children"),
    ("woman", "women"),
    ("farmer", "farmers"),
    ("bird", "birds"),
    ("teacher", "teachers"),
    ("river", "rivers"),
    ("house", "houses"),
    ("friend", "friends"),
    ("doctor", "doctors"),
    ("city", "cities"),
    ("man", "men"),
)
VERBS = (
    ("is", "are"),
    ("was", "were"),
    ("has", "have"),
    ("does", "do"),
    ("looks", "look"),
    ("needs", "need"),
    ("seems", "seem"),
    ("comes", "come"),
)
RESTS = {
    "is": "very old.",
    "was": "very old.",
    "has": "a long story.",
    "does": "a lot of work.",
    "looks": "very old.",
    "needs": "some water.",
    "seems": "very old.",
    "comes": "from the north.",
}
PHRASES = (
    "near the {}",
    "behind the {}",
    "with the {}",
    "across from the {}",
)
BETWEEN = (("tree", "trees"), ("school", "schools"), ("car", "cars"), ("garden", "gardens"), ("bridge", "bridges"))

AFTER_A = (
    *("book", "house", "river", "teacher", "dog", "garden", "letter"),
    *("mountain", "song", "window", "year", "uniform", "university", "cup"),
)
AFTER_AN = (
    *("apple", "island", "hour", "answer", "egg", "old", "engine"),
    *("orange", "open", "umbrella", "uncle", "honest", "army", "arrow"),
)
ADJECTIVES = {"old": "old man", "open": "open door", "honest": "honest man"}
FRAMES = ("She saw", "This is", "There was", "We wanted")
POINTED = (("book", "books"), ("house", "houses"), ("letter", "letters"), ("tree", "trees"), ("song", "songs"))
POINTING = (("this", "these"), ("that", "those"))

SENTENCES = (
    "The old man sat by the river and looked at the water.",
    "She opened the window because the room was too warm.",
    "The children played in the garden until it was dark.",
    "My brother works at a small school near the station.",
    "We will go to the market when the rain stops.",
    "The town has built a new bridge over the river.",
    "He did not know what the letter said.",
    "Many people came to see the old ship in the harbour.",
    "The doctor told her to rest for a few days.",
    "It is easy to lose the way in a big city.",
    "They have lived in this house for twenty years.",
    "The book that I bought yesterday is about birds.",
    "Nobody could tell where the money had gone.",
    "A cold wind came down from the mountains at night.",
    "The teacher asked the class to read the first page.",
    "If you want to learn a song, you must sing it.",
    "The bread was still warm when we came home.",
    "Her father used to tell stories about the sea.",
    "The train was late because of the snow.",
    "I have never seen so many stars in the sky.",
    "The farmer sold two of his cows in the spring.",
    "What she said made all of them laugh.",
    "You can find the answer at the end of the book.",
    "The shop on the corner closes at six in the evening.",
    "After the war the family moved to another country.",
    "The boy who found the dog took it home.",
    "There are more than a thousand islands in this lake.",
    "He was the first to reach the top of the mountain.",
    "The water in the pot began to boil.",
    "Some of the oldest trees in the park are oaks.",
    "They were tired but happy when the work was done.",
    "The museum shows how people lived long ago.",
)


def agreement() -> EvaluationTask:
    draw = random.Random("en-agreement")
    items = []
    for number in range(96):
        across = number >= 48
        noun, verb = NOUNS[number % len(NOUNS)], VERBS[(number // 2) % len(VERBS)]
        plural = (number // len(NOUNS) + number) % 2
        subject = f"The {noun[plural]}"
        if across:
            subject += f" {draw.choice(PHRASES).format(draw.choice(BETWEEN)[1 - plural])}"
        rest = RESTS[verb[0]]
        items.append(
            {
                "subject": subject,
                "choices": [f"{form} {rest}" for form in verb],
                "answer": plural,
                "part": "across a phrase" if across else "next to the verb",
                "verb": verb[0],
            }
        )
    return make_task(items, name="en-agreement", language="en", input="{subject}", part="part")


def determiners() -> EvaluationTask:
    items = []
    for number, word in enumerate((*AFTER_A, *AFTER_AN)):
        shown = ADJECTIVES.get(word, word)
        frame = FRAMES[number % len(FRAMES)]
        choices = [f"a {shown}.", f"an {shown}."]
        items.append({"frame": frame, "choices": choices, "answer": int(word in AFTER_AN), "part": "a or an"})
    for place, nouns in enumerate(POINTED):
        for other, pair in enumerate(POINTING):
            for plural in (0, 1):
                frame = ("I like", "He read about", "We know")[(place + other) % 3]
                choices = [f"{word} {nouns[plural]}." for word in pair]
                items.append({"frame": frame, "choices": choices, "answer": plural, "part": "this or these"})
    return make_task(items, name="en-determiners", language="en", input="{frame}", part="part")


def order() -> EvaluationTask:
    draw = random.Random("en-order")
    items = []
    for sentence in SENTENCES:
        first, *inner = sentence.rstrip(".").split()
        mixed = list(inner)
        while sum(a != b for a, b in zip(mixed, inner, strict=True)) < 4:
            draw.shuffle(mixed)
        items.append({"choices": [sentence, " ".join([first, *mixed]) + "."], "answer": 0})
    return make_task(items, name="en-order", language="en", input="", output="{answer}")
