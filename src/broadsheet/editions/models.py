"""Closed editions: the order of a day at the moment it ended, kept so that yesterday's page never changes."""

from django.db import models

from broadsheet.papers.models import Paper


class ClosedEdition(models.Model):
    """A day whose order is fixed."""

    day = models.DateField(primary_key=True)
    closed = models.DateTimeField()

    def __str__(self) -> str:
        return self.day.isoformat()


class ClosedPlace(models.Model):
    """A paper's place in a closed edition, with the terms that gave it."""

    edition = models.ForeignKey(ClosedEdition, models.CASCADE, related_name="places")
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="closed_places")
    rank = models.IntegerField()
    why = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["edition", "paper"], name="one_place_per_paper"),
            models.UniqueConstraint(fields=["edition", "rank"], name="one_paper_per_place"),
        ]

    def __str__(self) -> str:
        return f"{self.edition} {self.rank}"
