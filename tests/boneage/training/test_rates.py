"""The learning rate rises, falls to nothing, and begins anew with each cycle."""

import numpy as np
import pytest
import torch

from boneage.training.rates import Cycle, rate_at


def test_one_cycle_is_torchs_own():
    steps = 1000
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.03, total_steps=steps, pct_start=0.15)
    for step in range(steps - 1):
        assert rate_at(step / steps, [Cycle(1, 0.03)]) == pytest.approx(schedule.get_last_lr()[0], abs=3e-4)
        optimizer.step()
        schedule.step()


def test_each_cycle_has_its_own_length_and_highest_rate():
    cycles = [Cycle(10, 1.5e-3), Cycle(2, 5e-4), Cycle(3, 7e-4)]
    rates = np.array([rate_at(part, cycles) for part in np.linspace(0, 1, 1501)]).clip(0)
    highest = [part.max() for part in np.split(rates, [1000, 1200])]
    assert highest == pytest.approx([1.5e-3, 5e-4, 7e-4], rel=1e-3)
    assert max(rates[999], rates[1199], rates[1500]) < 1e-7
    assert 2e-5 <= rates[1001] < 3e-5 and 2.8e-5 <= rates[1201] < 3.2e-5  # a 25th of the highest
