"""The text to train on: paragraphs, tokens, and windows of them."""

import re

import torch

from tokenizer import BEGIN, Tokenizer

BATCH = 32


def read_paragraphs(path: str) -> list[str]:
    """The paragraphs, each with a space before its first word as before all others. Notes and lists are left out."""
    lines = [line.strip() for line in open(path, encoding="utf-8")]
    return [f" {line}" for line in lines if line and not re.search(r"[^A-Za-z ,.;:!?'\"\n-]", line)]


def split(paragraphs: list[str]) -> tuple[list[str], list[str]]:
    """Holds back every twentieth stretch of forty paragraphs."""
    held = [paragraph for i, paragraph in enumerate(paragraphs) if i // 40 % 20 == 19]
    kept = [paragraph for i, paragraph in enumerate(paragraphs) if i // 40 % 20 != 19]
    return kept, held


def to_ids(tokenizer: Tokenizer, paragraphs: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """All tokens in one line, and where paragraphs begin."""
    ids, starts = [], []
    for paragraph in paragraphs:
        starts.append(len(ids))
        ids += tokenizer.encode(paragraph + "\n")
    return torch.tensor(ids), torch.tensor(starts)


def batch(ids, starts, shape, generator):
    """Windows of text. Half of them begin with a paragraph, and with the token that begins a text."""
    length = shape.context + 1
    half = BATCH // 2
    whole = starts[starts < len(ids) - length]
    first = whole[torch.randint(len(whole), (half,), generator=generator)]
    later = torch.randint(len(ids) - length, (BATCH - half,), generator=generator)
    rows = [torch.cat([torch.tensor([BEGIN]), ids[at : at + length - 1]]) for at in first]
    rows += [ids[at : at + length] for at in later]
    windows = torch.stack(rows)
    return windows[:, :-1], windows[:, 1:]
