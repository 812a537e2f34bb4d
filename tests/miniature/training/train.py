"""Train one head of the miniature on folders of synthesise.py: ctc first, the others from its encoder."""

from __future__ import annotations

import argparse
import time
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from govor_gigaam_torch.network.model import GigaAM
from miniature.text.tokens import Tokens, place, train_pieces
from miniature.training.checkpoints import HEADS, build, load, save, tokenizer_path, tokens_of
from miniature.training.corpus import Batch, Corpus
from miniature.training.rnnt_loss import rnnt_loss

EARLY, LATE = 3, 4
"""Frames (of 40 ms) before and after its place in which the RNN-T may emit it: keeps word times right."""
CLIP = 5.0
REPORT_STEPS = 50


def main() -> None:
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    corpus = Corpus(args.corpus, args.seed)
    pieces = tokenizer_path(args.target)
    if args.head == "e2e_ctc" and not pieces.exists():
        train_pieces([row["text"] for row in corpus.rows], pieces)
    tokens = tokens_of(args.head, args.target)
    model = build(args.head, tokens)
    if args.start:
        take_over(model, load(args.start)[0])
    if args.freeze_encoder:
        model.encoder.requires_grad_(False)
    train(model, corpus, tokens, args)
    save(model, args.head, args.target)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("head", choices=HEADS)
    parser.add_argument("target", type=Path, help="checkpoint to write, after every epoch")
    parser.add_argument("corpus", type=Path, nargs="+", help="folders of synthesise.py")
    parser.add_argument(
        "--start", type=Path, help="checkpoint to start from: encoder, and head where it fits"
    )
    parser.add_argument("--freeze-encoder", action="store_true")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-seconds", type=float, default=80)
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--warm", type=float, default=0.1, help="share of the steps before the highest rate")
    parser.add_argument("--guide", type=float, default=0.3, help="share of steps that place letters")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def take_over(model: GigaAM, start: GigaAM) -> None:
    """Copy the encoder, and the head if its kind and size are the same."""
    own, other = model.state_dict(), start.state_dict()
    heads = [{name: value.shape for name, value in of.items() if "head." in name} for of in (own, other)]
    same = heads[0] == heads[1]
    model.load_state_dict(own | {name: other[name] for name in own if same or name.startswith("encoder.")})


def train(model: GigaAM, corpus: Corpus, tokens: Tokens, args: argparse.Namespace) -> None:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=args.rate, weight_decay=1e-2)
    steps = args.epochs * sum(1 for _ in corpus.epoch(args.batch_seconds)) + args.epochs * 10
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.rate, steps, pct_start=args.warm)
    step, started, recent = 0, time.monotonic(), []
    for epoch in range(args.epochs):
        for batch in corpus.epoch(args.batch_seconds):
            guide = max(0.0, 1 - step / max(1, args.guide * steps))
            loss = loss_of(model, batch, tokens, guide)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, CLIP)
            optimizer.step()
            schedule.step()
            step += 1
            recent.append(loss.item())
            if step % REPORT_STEPS == 0:
                minutes = (time.monotonic() - started) / 60
                print(f"{epoch} {step}/{steps} {sum(recent) / len(recent):.4f} {minutes:.1f} min", flush=True)
                recent.clear()
        save(model, args.head, args.target)


def loss_of(model: GigaAM, batch: Batch, tokens: Tokens, guide: float) -> Tensor:
    """Return the mean loss per token; `guide` is the weight of each token's place."""
    words = [tokens.words(text) for text in batch.texts]
    flat = [list(chain.from_iterable(text)) for text in words]
    places = [place(text, times) for text, times in zip(words, batch.words, strict=True)]
    counts = torch.tensor([len(text) for text in flat])
    targets = torch.full((len(flat), int(counts.max())), 0)
    windows = torch.zeros(len(flat), targets.shape[1], 2)
    for row, (text, at) in enumerate(zip(flat, places, strict=True)):
        targets[row, : len(text)] = torch.tensor(text)
        windows[row, : len(text), 0] = torch.tensor(at).floor() - EARLY
        windows[row, : len(text), 1] = torch.tensor(at).floor() + LATE
    encoded, lengths = model.encoder(batch.features, batch.lengths)
    if not hasattr(model.head, "joint"):
        log_probs = model.head(encoded)
        losses = functional.ctc_loss(
            log_probs.transpose(0, 1), targets, lengths, counts, tokens.blank, "none", zero_infinity=True
        )
        ctc = losses.sum() / counts.sum()
        return ctc + guide * placed(log_probs, flat, places, lengths, tokens.blank) if guide else ctc
    log_probs = model.head(encoded, targets).log_softmax(-1)
    return rnnt_loss(log_probs, targets, lengths, counts, windows).sum() / counts.sum()


def placed(
    log_probs: Tensor, flat: list[list[int]], places: list[list[float]], lengths: Tensor, blank: int
) -> Tensor:
    """Return the cross-entropy of emitting each token in the frame of its place, and blanks elsewhere."""
    wanted = torch.full(log_probs.shape[:2], -100)
    for row, (text, at) in enumerate(zip(flat, places, strict=True)):
        wanted[row, : lengths[row]] = blank
        for token, frame in zip(text, at, strict=True):
            wanted[row, min(int(frame), int(lengths[row]) - 1)] = token
    return functional.nll_loss(log_probs.flatten(0, 1), wanted.flatten())


if __name__ == "__main__":
    main()
