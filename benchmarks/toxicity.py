"""Toxicity: who is right on comments and sentences that no model saw, false alarms on clean prose, bias, and speed.

    python benchmarks/toxicity.py [PACKAGES] [quality] [transfer] [sites] [templates] [everyday] [prose] [bias] [speed]

`quality`, `transfer` and `templates` train a model and need the folder PACKAGES with all that `docs/toxicity.md` names.
The other parts need the wheels of the two peers alone, which are downloaded on first use. The peers run as
`corpuskit.toxicity.making.teachers` reads them: their own weights, without their frameworks. Real texts come from
../shared/data. One core, process CPU time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from peers import DATA, downloaded

from corpuskit.kernels.arrow import text_buffers
from corpuskit.toxicity import assess, score
from corpuskit.toxicity.features import score_windows
from corpuskit.toxicity.making import examples as read
from corpuskit.toxicity.making.examples import ENGLISH, KOREAN
from corpuskit.toxicity.making.network import NO_VECTORS, Vectors
from corpuskit.toxicity.making.second import LABELS as CONTEXT_LABELS
from corpuskit.toxicity.making.second import (
    clean_windows,
    english_tweets,
    fit_second,
    korean_labelled,
    template_sentences,
    template_targets,
)
from corpuskit.toxicity.making.teachers import ProfanityCheck, ToxicCommentClassifier
from corpuskit.toxicity.making.templates import read_templates, sentences
from corpuskit.toxicity.making.training import (
    SHIPPED,
    english_examples,
    fit_model,
    korean_comments,
    korean_examples,
)
from corpuskit.toxicity.model import DATA as MODELS
from corpuskit.toxicity.model import Model, load
from corpuskit.toxicity.model import shipped as shipped_model
from corpuskit.toxicity.scoring import RULED

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


def scorer(model: Model, label: str = "toxicity") -> Scorer:
    """The highest probability of a label in any window of each text."""

    def run(texts: Sequence[str]) -> Any:
        data, offsets = text_buffers(list(texts))
        everything = np.ones(len(offsets) - 1, np.bool_)
        orders = model.shortest, model.syllables
        windows = score_windows(data, offsets, everything, model.weights, 40, *orders)
        highest = np.zeros(len(everything), np.float32)
        np.maximum.at(highest, windows.document, model.probabilities(data, windows)[:, model.all_labels.index(label)])
        return highest

    return run


def shipped(language: str) -> Scorer:
    return lambda texts: np.nan_to_num(score(list(texts), language).column("toxicity").to_numpy())


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
    """Leave one site out: the linear model, then both models, fitted to the comments of the other two."""
    print("\nKorean comments of other sites than the training data")
    readers = {"curse": read.curse_detection, "beep": read.beep, "kmhas": read.kmhas}
    for test, reader in readers.items():
        learn = tuple(site for site in readers if site != test)
        linear = fit_model(korean_examples(DATA, korean_comments(DATA, learn, KOREAN), KOREAN), KOREAN, {}, exact=True)
        other = reader(DATA, KOREAN)
        targets = other.targets[:, 0]
        both = replace(SHIPPED["share-alike/korean.npz"], sites=learn).fit_context(linear, DATA, None)
        for name, model in (("linear", linear), ("both models", both)):
            scores = scorer(model)(other.texts)
            report(f"{name}, learned from {' and '.join(learn)}, tested on {test}", scores, targets)
            if test == "beep":
                hateful, offensive = targets == 1.0, (targets > 0.5) & (targets < 1.0)
                for kind, other_kind in (("hateful", offensive), ("offensive", hateful)):
                    rows = ~other_kind
                    report(f"  {kind} comments against the harmless", scores[rows], targets[rows])


def templates(packages: Path) -> None:
    """Held-out templates and words: every third template with every third word of each list teaches nothing."""
    print("\nSentences of templates and words that taught nothing")
    for language, name in (("en", "english.npz"), ("ko", "share-alike/korean.npz")):
        kind, own = SHIPPED[name], read_templates(language)
        linear = load(MODELS / name).without_second()
        clean = clean_windows(language, DATA, packages)
        abuse = template_sentences(language, clean[:4_000], templates=own.part(lambda place: place % 3 != 0))
        vectors = NO_VECTORS
        if language == "en":
            abuse += english_tweets(DATA, linear)
            vectors = Vectors(*read.glove(packages))
        else:
            abuse += korean_labelled(korean_comments(DATA, kind.sites, kind.labels), kind.labels)
        model = fit_second(language, linear, abuse, clean, vectors)
        made = sentences(own.part(lambda place: place % 3 == 0), 25, 7)
        targets = template_targets(language, made)
        for column, label in enumerate(CONTEXT_LABELS[language]):
            sure = (targets[:, column] > 0.6) | (targets[:, column] < 0.3)
            texts = [sentence.text for sentence, known in zip(made, sure, strict=True) if known]
            report(f"{language} {label}", scorer(model, label)(texts), targets[sure, column])


def everyday() -> None:
    print("\nEveryday sentences written by hand, tests/data/toxicity")
    for language in ("en", "ko"):
        path = Path(__file__).resolve().parent.parent / f"tests/data/toxicity/everyday-{language}.tsv"
        rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
        texts = [row[2] for row in rows]
        targets = np.array([row[0] == "1" for row in rows])
        values = score(texts, language)
        linear = scorer(shipped_model(language).without_second())(texts)
        for name, scores in (("linear", linear), ("both models", values.column("toxicity").to_numpy())):
            hits, alarms = (scores[targets] > 0.8).sum(), (scores[~targets] > 0.8).sum()
            print(f"  {language} {name:12} AUC {auc(scores, targets):.3f}  over 0.8: {hits} abusive, {alarms} harmless")
        for label, kinds in (("threat", ("threat", "위협")), ("identity_attack", ("hate", "slur", "혐오", "비하"))):
            chosen = np.array([row[1] in kinds for row in rows])
            scores = values.column(label).to_numpy()
            hits, alarms = (scores[chosen] > 0.8).sum(), (scores[~targets] > 0.8).sum()
            print(f"     {label:16} over 0.8: {hits} of {chosen.sum()}, {alarms} of the harmless")


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
    print("\nClean documents over the default limits of 0.8 (nobody read all of these: some may be abusive)")
    for name, (language, texts) in clean().items():
        scores = assess(texts, language)
        over = np.nan_to_num(scores.sustained) > 0.8
        any_window = (np.nan_to_num(scores.labels[:, 0]) > 0.8).sum()
        each = ", ".join(f"{label} {count}" for label, count in zip(RULED, over.sum(axis=0), strict=True))
        data, offsets = text_buffers(texts)
        model = shipped_model(language)
        every = np.ones(len(texts), np.bool_)
        windows = score_windows(data, offsets, every, model.weights, 40, model.shortest, model.syllables)
        print(
            f"  {name:34} {over.any(axis=1).sum():4} of {len(texts):5} ({over.any(axis=1).mean():.2%}: {each}); "
            f"{any_window} with any window over it; {model.suspects(windows).mean():.1%} of the windows read twice"
        )


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
    without_packages = ["sites", "everyday", "prose", "bias", "speed"]
    training = ["quality", "transfer", "templates"] if named else []
    chosen = sys.argv[1 + named :] or training + without_packages
    for part, work in (
        ("quality", lambda: quality(folder)),
        ("transfer", lambda: transfer(folder)),
        ("sites", sites),
        ("templates", lambda: templates(folder)),
        ("everyday", everyday),
        ("prose", prose),
        ("bias", bias),
        ("speed", lambda: speed(folder)),
    ):
        if part in chosen:
            work()
