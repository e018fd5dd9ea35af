"""A tokenizer in the format of llama2.c: texts with scores. Common words are one token, with the space before them."""

import re
import struct
from collections import Counter, defaultdict

SPECIAL = ["<unk>", "\n<s>\n", "\n</s>\n"]
BEGIN, END = 1, 2
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]

# Merges stay within a word, within punctuation, or within white space.
PIECES = re.compile(r" ?[A-Za-z]+| ?[^A-Za-z\s]+|\s")


def learn(text: str, size: int) -> list[str]:
    """The tokens of a vocabulary of this size, learnt by byte-pair encoding, in the order of their merges."""
    letters = sorted(set(text))
    words = [(list(word), count) for word, count in Counter(PIECES.findall(text)).items()]
    pairs: Counter = Counter()
    places = defaultdict(set)
    for index, (symbols, count) in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] += count
            places[pair].add(index)
    texts = SPECIAL + BYTES + letters
    while len(texts) < size:
        # Ties go to the pair that is first in the alphabet, so that the result is always the same.
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merged = "".join(best)
        for index in list(places[best]):
            symbols, count = words[index]
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] -= count
                places[pair].discard(index)
            at = 0
            while at + 1 < len(symbols):
                if (symbols[at], symbols[at + 1]) == best:
                    symbols[at : at + 2] = [merged]
                at += 1
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += count
                places[pair].add(index)
        del pairs[best]
        if merged not in texts:
            texts.append(merged)
    return texts


class Tokenizer:
    def __init__(self, texts: list[str]):
        self.texts = texts
        self.ids = {text: id for id, text in enumerate(texts)}
        self.known: dict[str, list[int]] = {}

    def encode_piece(self, piece: str) -> list[int]:
        if piece not in self.known:
            symbols = list(piece)
            while True:
                merges = [
                    (self.ids[a + b], at)
                    for at, (a, b) in enumerate(zip(symbols, symbols[1:]))
                    if a + b in self.ids
                ]
                if not merges:
                    break
                id, at = min(merges)
                symbols[at : at + 2] = [self.texts[id]]
            self.known[piece] = [self.ids[symbol] for symbol in symbols]
        return self.known[piece]

    def encode(self, text: str) -> list[int]:
        return [id for piece in PIECES.findall(text) for id in self.encode_piece(piece)]

    def save(self, path: str) -> None:
        encoded = [text.encode() for text in self.texts]
        with open(path, "wb") as file:
            file.write(struct.pack("<i", max(map(len, encoded))))
            for id, text in enumerate(encoded):
                # An earlier merge has a higher score.
                file.write(struct.pack("<fi", -float(id), len(text)) + text)
