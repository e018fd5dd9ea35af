"""The options of train.py."""

import argparse


def read_options() -> argparse.Namespace:
    options = argparse.ArgumentParser()
    options.add_argument("corpus")
    options.add_argument("out")
    options.add_argument("--steps", type=int, default=3400)
    options.add_argument("--vocab", type=int, default=2048)
    options.add_argument("--dim", type=int, default=128)
    options.add_argument("--hidden", type=int, default=256)
    options.add_argument("--layers", type=int, default=6)
    options.add_argument("--dropout", type=float, default=0.1)
    options.add_argument("--rate", type=float, default=0.02)
    options.add_argument("--resume", help="weights of an earlier run; the rate falls from the first step on")
    return options.parse_args()
