"""A convolutional network (PyTorch on the processor): the attacker whom no drawing keeps out."""

import itertools
from typing import Self

import numpy as np
import torch
from api import Attacker, Service
from bank import ALPHABET, same_class
from network import prepared
from numpy.typing import NDArray
from torch import nn

torch.set_num_threads(1)


class Cnn(Attacker):
    """Four blocks of convolutions, trained with shifted copies for a minute or a few."""

    def __init__(self, labels: int) -> None:
        """Name how many labelled tiles it learns from."""
        self.labels, self.name = labels, f"CNN, {labels:,} labels"

    def fit(self, service: Service, seed: int) -> Self:
        """Learn."""
        torch.manual_seed(seed)
        pngs, glyphs = zip(*service.tiles(self.labels, seed), strict=True)
        tiles = torch.from_numpy(np.stack([prepared(png) for png in pngs]))[:, None]
        classes = torch.tensor([ALPHABET.index(glyph) for glyph in glyphs])
        self._network = network()
        epochs = 40 if self.labels < 5_000 else 12
        self._train(tiles, classes, epochs, batch=32 if self.labels < 5_000 else 64)
        return self

    def _train(self, tiles: torch.Tensor, classes: torch.Tensor, epochs: int, batch: int) -> None:
        optimiser = torch.optim.AdamW(self._network.parameters(), weight_decay=0.02)
        steps = epochs * -(-len(tiles) // batch)
        pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
        loss = nn.CrossEntropyLoss(label_smoothing=0.05)
        self._network.train()
        for _ in range(epochs):
            for some in torch.randperm(len(tiles)).split(batch):
                down, across = torch.randint(-3, 4, (2,)).tolist()
                optimiser.zero_grad()
                loss(self._network(tiles[some].roll((down, across), (2, 3))), classes[some]).backward()
                optimiser.step()
                pace.step()

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Compare classes."""
        tiles = torch.from_numpy(np.stack([prepared(png) for png in (reference, *nine)]))[:, None]
        self._network.eval()
        with torch.inference_mode():
            scores = self._network(tiles).log_softmax(1).double().numpy()
        return np.array([same_class(scores[0], other) for other in scores[1:]])


def network() -> nn.Sequential:
    """Make it: 0.3 million weights."""
    widths = (1, 24, 48, 96, 160)
    blocks: list[nn.Module] = []
    for above, below in itertools.pairwise(widths):
        blocks += [
            nn.Conv2d(above, below, 3, padding=1, bias=False),
            nn.BatchNorm2d(below),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Dropout(0.3), nn.Linear(160 * 16, len(ALPHABET)))
