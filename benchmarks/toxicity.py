"""Toxicity: who is right on comments that a model never saw, false alarms on clean prose, bias, and speed.

    python benchmarks/toxicity.py [PACKAGES] [quality] [transfer] [sites] [prose] [bias] [speed]

`quality` and `transfer` train a model and need the folder PACKAGES with all that `corpuskit.toxicity.train` names. The
other parts need the wheels of the two peers alone, which are downloaded on first use. The peers run as
`corpuskit.toxicity.making.teachers` reads them: their own weights, without their frameworks. Real texts come from
../shared/data. One core, process CPU time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from peers import DATA, downloaded

from corpuskit.kernels.arrow import text_buffers
from corpuskit.toxicity import assess, score
from corpuskit.toxicity.features import score_windows
from corpuskit.toxicity.making import examples as read
from corpuskit.toxicity.making.examples import ENGLISH, KOREAN
from corpuskit.toxicity.making.teachers import ProfanityCheck, ToxicCommentClassifier
from corpuskit.toxicity.making.training import english_examples, fit_model, korean_comments, korean_examples
from corpuskit.toxicity.model import Model

Scorer = Callable[[Sequence[str]], Any]
MARKERS = (
    "ain't",
    "finna",
    "tryna",
    "gon",
    "yall",
    "y'all",
    "lil",
    "wit",
    "dat",
    "dis",
    "dem",
    "talmbout",
    "iont",
    "bruh",
)
"""Words that are common in African-American English and say nothing of anyone."""
IDENTITIES = {
    "en": ("a woman", "a man", "gay", "a lesbian", "transgender", "Muslim", "Jewish", "Christian", "Black", "white",
           "Asian", "Mexican", "an immigrant", "disabled", "old"),
    "ko": ("여성", "남성", "동성애자", "성소수자", "이슬람교도", "기독교인", "조선족", "중국인", "장애인", "노인"),
}  # fmt: skip
SENTENCES = {"en": "My friend is {} and we had lunch together.", "ko": "제 친구는 {}이고 어제 같이 점심을 먹었습니다."}


def auc(scores: Any, targets: Any) -> float:
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(order))
    _, inverse, counts = np.unique(np.asarray(scores)[order], return_inverse=True, return_counts=True)
    ranks[order] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positive = np.asarray(targets, bool)
    size, rest = positive.sum(), (~positive).sum()
    return float((ranks[positive].sum() - size * (size + 1) / 2) / (size * rest))


def scorer(model: Model) -> Scorer:
    def run(texts: Sequence[str]) -> Any:
        data, offsets = text_buffers(list(texts))
        everything = np.ones(len(offsets) - 1, np.bool_)
        orders = model.shortest, model.syllables
        windows = score_windows(data, offsets, everything, model.weights, 40, *orders)
        highest = np.zeros(len(everything), np.float32)
        np.maximum.at(highest, windows.document, model.probabilities(data, windows)[:, 0])
        return highest

    return run


def shipped(language: str) -> Scorer:
    return lambda texts: np.nan_to_num(score(list(texts), language).column("toxicity").to_numpy())


def sustained(texts: Sequence[str], language: str) -> Any:
    """What the stage holds against its limit: the worst window, isolated ones aside."""
    return np.nan_to_num(assess(list(texts), language).sustained[:, 0])


def quality(packages: Path) -> None:
    print("\nEnglish tweets, annotators' majority; ours trained on the other four fifths")
    tweets = read.davidson(DATA)
    held = np.arange(len(tweets.texts)) % 5 == 0
    texts = [text for text, out in zip(tweets.texts, held, strict=True) if out]
    targets = tweets.targets[held, 0] > 0.5
    ours = scorer(fit_model(english_examples(DATA, packages, tweets.take(np.flatnonzero(~held))), ENGLISH, {}))
    peers = {
        "toxic-comment-classifier": lambda t: ToxicCommentClassifier(packages)(t)[:, 0],
        "alt-profanity-check": ProfanityCheck(packages),
    }
    for name, run in {"corpuskit": ours, **peers}.items():
        print(f"  {name:28} AUC {auc(run(texts), targets):.4f}")


def transfer(packages: Path) -> None:
    print("\nThe same, ours trained without tweets, but for one in 200 whose words are spliced into other texts")
    tweets = read.davidson(DATA)
    few = np.arange(len(tweets.texts)) % 200 == 0
    found = english_examples(DATA, packages, tweets.take(np.flatnonzero(few)))
    rest = tweets.take(np.flatnonzero(~few))
    for name, run in {
        "corpuskit": scorer(fit_model(found, ENGLISH, {})),
        "toxic-comment-classifier": lambda t: ToxicCommentClassifier(packages)(t)[:, 0],
    }.items():
        print(f"  {name:28} AUC {auc(run(rest.texts), rest.targets[:, 0] > 0.5):.4f}")


def report(name: str, scores: Any, targets: Any) -> None:
    abusive = targets > 0.5
    shares = (scores[abusive] > 0.8).mean(), (scores[~abusive] > 0.8).mean()
    found = f"over 0.8: {shares[0]:.0%} of the abusive, {shares[1]:.1%} of the others"
    print(f"  {name:56} AUC {auc(scores, abusive):.4f}  {found}", flush=True)


def sites() -> None:
    print("\nKorean comments of other sites than the training data")
    readers = {"curse": read.curse_detection, "beep": read.beep, "kmhas": read.kmhas}
    for test, reader in readers.items():
        learn = [site for site in readers if site != test]
        for chosen in [["curse"], learn] if test != "curse" else [learn]:
            comments = korean_comments(DATA, chosen, KOREAN)
            run = scorer(fit_model(korean_examples(DATA, comments, KOREAN), KOREAN, {}, exact=True))
            other = reader(DATA, KOREAN)
            scores, targets = run(other.texts), other.targets[:, 0]
            report(f"learned from {' and '.join(chosen)}, tested on {test}", scores, targets)
            if test == "beep" and chosen == learn:
                hateful, offensive = targets == 1.0, (targets > 0.5) & (targets < 1.0)
                for kind, other_kind in (("hateful", offensive), ("offensive", hateful)):
                    rows = ~other_kind
                    report(f"  {kind} comments against the harmless", scores[rows], targets[rows])
    within = read.beep(DATA, KOREAN).of_site(1)
    held = np.arange(len(within.texts)) % 4 == 0
    run = scorer(fit_model(korean_examples(DATA, within.take(~held), KOREAN), KOREAN, {}, exact=True))
    rest = within.take(held)
    report("learned from three quarters of beep, tested on a quarter", run(rest.texts), rest.targets[:, 0])


def clean() -> dict[str, tuple[str, list[str]]]:
    months = ("petitions_2019-06", "petitions_2019-07")
    lines = [
        line for month in months for line in (DATA / "duplicates/petitions" / month).read_text("utf-8").splitlines()
    ]
    news = (DATA / "duplicates/mccormick/articles_1000.train").read_text("utf-8").splitlines()
    pages = [json.loads(path.read_text("utf-8")) for path in sorted(DATA.glob("extraction/wcxb/ground-truth/*.json"))]
    mains = [page["ground_truth"].get("main_content") or "" for page in pages]
    return {
        "Korean petitions, 2019-06 and 07": ("ko", [json.loads(line)["content"] for line in lines]),
        "Korean technical pages": ("ko", read.korean_prose(DATA)),
        "English news": ("en", [line.partition(" ")[2] for line in news]),
        "English web pages": ("en", mains),
    }


def prose() -> None:
    print("\nClean documents over the default limit of 0.8 (no page of these was read by anyone: some may be abusive)")
    for name, (language, texts) in clean().items():
        over = sustained(texts, language) > 0.8
        any_window = (shipped(language)(texts) > 0.8).sum()
        print(f"  {name:34} {over.sum():4} of {len(texts):5} ({over.mean():.2%}); {any_window} with any window over it")


def bias() -> None:
    tweets = read.davidson(DATA)
    words = [set(text.lower().split()) for text in tweets.texts]
    harmless = tweets.targets[:, 0] == 0
    marked = np.array([bool(found & set(MARKERS)) for found in words])
    scores = shipped("en")(tweets.texts)
    print("\nTweets that no annotator called offensive, share over 0.5 and over 0.8")
    for name, rows in (("with dialect markers", harmless & marked), ("without", harmless & ~marked)):
        print(f"  {name:22} {rows.sum():6}  {(scores[rows] > 0.5).mean():.2%}  {(scores[rows] > 0.8).mean():.2%}")
    for language, terms in IDENTITIES.items():
        values = shipped(language)([SENTENCES[language].format(term) for term in terms])
        print("  " + ", ".join(f"{term} {value:.2f}" for term, value in zip(terms, values, strict=True)))


def speed(packages: Path) -> None:
    print("\nMB of text a second")
    texts = [text for language, found in clean().values() if language == "en" for text in found]
    korean = clean()["Korean petitions, 2019-06 and 07"][1]
    runs: list[tuple[str, Scorer, list[str]]] = [
        ("corpuskit, English", shipped("en"), texts),
        ("corpuskit, Korean", shipped("ko"), korean),
        ("toxic-comment-classifier", ToxicCommentClassifier(packages), texts[:100]),
        ("alt-profanity-check", ProfanityCheck(packages), texts[:300]),
    ]
    for name, run, some in runs:
        run(some[:2])
        started = time.process_time()
        run(some)
        print(f"  {name:28} {sum(len(t.encode()) for t in some) / 1e6 / (time.process_time() - started):8.2f}")


if __name__ == "__main__":
    named = len(sys.argv) > 1 and Path(sys.argv[1]).is_dir()
    wheels = ["toxic-comment-classifier==0.3.0", "alt-profanity-check==1.9.1"]
    folder = Path(sys.argv[1]) if named else downloaded("toxicity", wheels)
    without_training = ["sites", "prose", "bias", "speed"]
    chosen = sys.argv[1 + named :] or (["quality", "transfer", *without_training] if named else without_training)
    for part, work in (
        ("quality", lambda: quality(folder)),
        ("transfer", lambda: transfer(folder)),
        ("sites", sites),
        ("prose", prose),
        ("bias", bias),
        ("speed", lambda: speed(folder)),
    ):
        if part in chosen:
            work()
