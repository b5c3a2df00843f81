"""Pictures of how good probabilities are. Drawn on plain Figure objects: no window system, no global state."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml import metrics

COLOURS = ("#0b6e99", "#d9730d", "#6b7280", "#0f7b6c")


def reliability(title: str, label: np.ndarray, probabilities: Mapping[str, np.ndarray]) -> Figure:
    """Draw seen against promised rate, one line per learner; the diagonal is perfect."""
    figure, axes = _canvas(title, "promised probability", "share that did it")
    bins = {name: metrics.reliability(label, probability) for name, probability in probabilities.items()}
    limit = 1.05 * max(max(promised, seen) for points in bins.values() for promised, seen, _ in points)
    axes.plot([0, limit], [0, limit], color="#9ca3af", linestyle="--", label="perfect")
    for colour, (name, points) in zip(COLOURS, bins.items(), strict=False):
        error = metrics.expected_calibration_error(label, probabilities[name])
        axes.plot(
            [p for p, _, _ in points], [s for _, s, _ in points], "o-", color=colour, label=f"{name} (ECE {error:.3f})"
        )
    axes.legend(frameon=False)
    return figure


def precision_recall(title: str, label: np.ndarray, probabilities: Mapping[str, np.ndarray]) -> Figure:
    """Draw the precision-recall curve of each learner; the dashed line is the base rate."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    figure, axes = _canvas(title, "recall", "precision")
    for colour, (name, probability) in zip(COLOURS, probabilities.items(), strict=False):
        precision, recall, _ = precision_recall_curve(label, probability, drop_intermediate=True)
        score = average_precision_score(label, probability)
        axes.step(recall, precision, where="post", color=colour, label=f"{name} (PR-AUC {score:.3f})")
    axes.axhline(label.mean(), color="#9ca3af", linestyle="--", label=f"base rate {label.mean():.3f}")
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False)
    return figure


def importance(title: str, names: Sequence[str], gain: Sequence[float], shown: int = 15) -> Figure:
    """Draw the features with the largest share of the trees' total gain."""
    share = np.asarray(gain, dtype=float) / max(float(np.sum(gain)), 1e-12)
    top = np.argsort(share)[-shown:]
    figure, axes = _canvas(title, "share of gain", "")
    axes.barh([names[i] for i in top], share[top], color=COLOURS[0])
    return figure


def overview(title: str, scores: Mapping[str, Mapping[str, float]], base_rates: Mapping[str, float]) -> Figure:
    """Draw the PR-AUC of each learner (bars) for each intent or action (groups); the black line is the base rate."""
    figure, axes = _canvas(title, "", "PR-AUC on held-out weeks", width=9)
    groups = list(base_rates)
    width = 0.8 / len(scores)
    for place, (colour, (learner, by_group)) in enumerate(zip(COLOURS, scores.items(), strict=False)):
        left = np.arange(len(groups)) - 0.4 + (place + 0.5) * width
        bars = axes.bar(left, [by_group[group] for group in groups], width, color=colour, label=learner)
        axes.bar_label(bars, fmt="%.2f", fontsize=8)
    for place, group in enumerate(groups):
        axes.hlines(
            base_rates[group], place - 0.4, place + 0.4, color="black", label="base rate" if place == 0 else None
        )
    axes.set_xticks(range(len(groups)), groups)
    axes.legend(frameon=False, ncols=len(scores) + 1, loc="upper center", bbox_to_anchor=(0.5, -0.08))
    return figure


def bars(title: str, up: str, series: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw bars of several series beside each other, one group per key of the first one."""
    figure, axes = _canvas(title, "", up, width=9)
    groups = list(next(iter(series.values())))
    width = 0.8 / len(series)
    for place, (colour, (name, by_group)) in enumerate(zip(COLOURS, series.items(), strict=False)):
        left = np.arange(len(groups)) - 0.4 + (place + 0.5) * width
        drawn = axes.bar(left, [by_group[group] for group in groups], width, color=colour, label=name)
        axes.bar_label(drawn, fmt="%.3f", fontsize=8)
    axes.set_xticks(range(len(groups)), groups)
    axes.legend(frameon=False, ncols=len(series), loc="upper center", bbox_to_anchor=(0.5, -0.08))
    return figure


def _canvas(title: str, across: str, up: str, width: float = 6.5) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=across, ylabel=up)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
