"""The pictures of one training run of the intent model, as MLflow shows them."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from ml import figures
from ml.intent.evaluate import Evaluation
from ml.intent.model import IntentModel


def plots(evaluation: Evaluation, model: IntentModel) -> Iterator[tuple[str, Figure]]:
    """Yield (artifact name, figure): one overview, and reliability, PR curve and importance per intent."""
    scores = {
        learner: {intent: evaluation.figures[f"{intent}/{learner}/pr_auc"] for intent in evaluation.labels}
        for learner in next(iter(evaluation.probabilities.values()))
    }
    rates = {intent: float(label.mean()) for intent, label in evaluation.labels.items()}
    yield "plots/overview.png", figures.overview("Intents on held-out weeks", scores, rates)
    for intent, label in evaluation.labels.items():
        learners = evaluation.probabilities[intent]
        yield (
            f"plots/{intent}_reliability.png",
            figures.reliability(f"{intent}: does it keep its promise?", label, learners),
        )
        yield (
            f"plots/{intent}_precision_recall.png",
            figures.precision_recall(f"{intent}: held-out weeks", label, learners),
        )
        trees = model.pipelines[intent].named_steps["learner"]
        yield (
            f"plots/{intent}_importance.png",
            figures.importance(f"{intent}: what the trees look at", model.features, trees.feature_importances_),
        )
