"""All questions, in the order of the report."""

from . import browser, chains, estimators, images, imports, kernels, micrograd_demo, networks, scaling, transformers
from .harness import Question, Row

QUESTIONS: tuple[Question, ...] = (
    chains.QUESTION,
    micrograd_demo.QUESTION,
    networks.QUESTION,
    images.QUESTION,
    transformers.QUESTION,
    estimators.QUESTION,
    kernels.QUESTION,
    imports.QUESTION,
    browser.QUESTION,
    scaling.QUESTION,
)


def select(only: list[str], quick: bool) -> dict[str, list[Row]]:
    """By question, the rows that `only` names (questions or rows; empty: all).

    Raises
    ------
    ValueError
        A name belongs to no question and no row.
    """
    rows = {question.name: question.rows(quick) for question in QUESTIONS if only or not question.on_demand}
    known = {*rows, *(row.name for found in rows.values() for row in found)}
    if unknown := [name for name in only if name not in known]:
        raise ValueError(f"no question and no row is named {', '.join(unknown)}; --list shows the names")
    return {
        question: [row for row in found if not only or question in only or row.name in only]
        for question, found in rows.items()
        if not only or question in only or any(row.name in only for row in found)
    }
