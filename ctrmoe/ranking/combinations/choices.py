"""Which combinations of features are tried where not all of them are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np

from ctrmoe import strict
from ctrmoe.schema import SchemaError

Combination = tuple[str, ...]
MOST_LISTED = 1 << 24
"""More combinations than this are drawn, never listed."""


@dataclass(frozen=True, slots=True)
class Single:
    """What is known of a feature before combinations are tried.

    Args:
        name: The feature.
        score: What it tells by itself.
        values: Its categories.
    """

    name: str
    score: float
    values: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Combinations that are counted on the same rows.

    Args:
        combinations: The combinations.
        slices: Row i counts where i mod `of` is one of these.
        of: Number of slices.
    """

    combinations: list[Combination]
    slices: tuple[int, ...] = (0,)
    of: int = 1


def chosen_combinations(
    kind: str, order: int, most: int, singles: Sequence[Single], seed: int
) -> list[Batch]:
    """Chooses combinations: all of them where there are no more than `most`.

    Args:
        kind: A name of `CHOICES`.
        order: Features of a combination.
        most: Combinations counted in each row.
        singles: The features, in the order that they have in a combination.
        seed: Of what is drawn.

    Raises:
        SchemaError: When there are too many combinations for the choice.
    """
    if math.comb(len(singles), order) <= most:
        return [Batch(list(combinations([single.name for single in singles], order)))]
    return CHOICES[kind](order, most, singles, seed)


def check_choice(kind: str, most: int) -> None:
    """Refuses a choice that there is not.

    Raises:
        SchemaError: With the choices that there are.
    """
    if kind not in CHOICES:
        raise SchemaError(
            f"`choose` must be one of {', '.join(CHOICES)}. Received: {kind!r}."
            + strict.suggestion(kind, CHOICES)
        )
    if most < 1:
        raise SchemaError(f"`combinations` must be at least 1. Received: {most}.")


def guided(order: int, most: int, singles: Sequence[Single], seed: int) -> list[Batch]:
    """Chooses by what is known of single features.

    All combinations of the first few features by score and by number of values, taken in turns:
    strong features with each other, but also those with few values, whether they tell something by
    themselves or not: of these the fewest rows show an interaction. What is left is drawn.
    """
    strongest = sorted(singles, key=lambda single: -single.score)
    smallest = sorted(singles, key=lambda single: single.values)
    in_turns = dict.fromkeys(s.name for pair in zip(strongest, smallest, strict=True) for s in pair)
    first = order
    while math.comb(first + 1, order) <= most:
        first += 1
    names = set(list(in_turns)[:first])
    known = [single.name for single in singles if single.name in names]
    chosen = list(islice(combinations(known, order), most))
    return [Batch(chosen + _drawn(order, most - len(chosen), singles, seed, set(chosen)))]


def random(order: int, most: int, singles: Sequence[Single], seed: int) -> list[Batch]:
    """Draws combinations, all with the same probability."""
    return [Batch(_drawn(order, most, singles, seed, set()))]


def least_evaluated(order: int, most: int, singles: Sequence[Single], seed: int) -> list[Batch]:
    """Counts all combinations, each in a part of the rows.

    In each slice of the rows those that were counted least often so far, ties drawn.

    Raises:
        SchemaError: When there are too many combinations to be listed.

    Reference:
        OutRank 0.97.5, `combination_number_upper_bound`, whose slices are its mini-batches.
    """
    total = math.comb(len(singles), order)
    if total > MOST_LISTED:
        raise SchemaError(
            f"`choose` must be `guided` or `random` for more than {MOST_LISTED:,} combinations. "
            f"Received: 'least_evaluated' for {total:,}."
        )
    every = list(combinations([single.name for single in singles], order))
    ties = np.random.default_rng(seed).permutation(total)
    evaluated = np.zeros(total, np.int64)
    slices, of = [[] for _ in every], -(-total // most)  # type: list[list[int]], int
    for number in range(of):
        for place in np.lexsort((ties, evaluated))[:most]:
            slices[place].append(number)
            evaluated[place] += 1
    batches: dict[tuple[int, ...], list[Combination]] = {}
    for combination, numbers in zip(every, slices, strict=True):
        batches.setdefault(tuple(numbers), []).append(combination)
    return [Batch(chosen, numbers, of) for numbers, chosen in batches.items()]


CHOICES: dict[str, Callable[[int, int, Sequence[Single], int], list[Batch]]] = {
    "guided": guided,
    "least_evaluated": least_evaluated,
    "random": random,
}


def _drawn(
    order: int, most: int, singles: Sequence[Single], seed: int, known: set[Combination]
) -> list[Combination]:
    """Draws combinations that are not among the known ones."""
    names, draws = [single.name for single in singles], np.random.default_rng(seed)
    if math.comb(len(names), order) <= MOST_LISTED:
        others = [c for c in combinations(names, order) if c not in known]
        return [others[i] for i in sorted(draws.choice(len(others), most, replace=False))]
    result: list[Combination] = []
    while len(result) < most:
        places = sorted(draws.choice(len(names), order, replace=False))
        combination = tuple(names[place] for place in places)
        if combination not in known:
            known.add(combination)
            result.append(combination)
    return result
