from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("papers", "0004_in_category"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="paper",
            index=models.Index(
                fields=[
                    "announced",
                    "withdrawn",
                    "hidden",
                    "placed",
                    "categories",
                    "votes_outside",
                    "stars",
                    "vote_weight",
                ],  # fmt: skip
                name="papers_listed_idx",
            ),
        ),
        migrations.RemoveIndex(
            model_name="paper",
            name="papers_pape_announc_15f888_idx",
        ),
    ]
