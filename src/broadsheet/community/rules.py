"""The constants of the ranking as this site sets them."""

from dataclasses import replace

from django.conf import settings

from broadsheet.ranking.rules import Rules


def rules() -> Rules:
    """Give the rules in force: their defaults, and in place of some of them the settings of the site."""
    config = settings.CONFIG
    return replace(
        Rules(),
        votes_per_day=config.votes_per_day,
        outside_vote_weight=config.outside_vote_weight,
        trending_editions_per_tenfold=config.trending_editions_per_tenfold,
        trending_prior=config.trending_prior,
        field_fairness=config.field_fairness,
    )
