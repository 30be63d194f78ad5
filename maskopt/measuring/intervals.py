"""How sure a fraction is that was counted."""

from statsmodels.stats.proportion import proportion_confint

CONFIDENCE = 0.95
DIGITS = 6  # of fractions in the metrics


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """Return the 95% interval of a fraction. Source: Wilson 1927, doi:10.1080/01621459.1927.10502953."""
    low, high = proportion_confint(correct, total, alpha=1 - CONFIDENCE, method="wilson")
    return round(float(low), DIGITS), round(float(high), DIGITS)
