import django.db.models.deletion
from django.db import migrations, models

AT_ONCE = 5_000
LONGEST = 80


def file_known(apps, schema_editor):
    """File the papers that lists show under their categories."""
    Paper, InCategory = apps.get_model("papers", "Paper"), apps.get_model("papers", "InCategory")
    last = 0
    while papers := list(
        Paper.objects.filter(id__gt=last)
        .order_by("id")
        .values_list("id", "categories", "announced", "placed", "withdrawn", "hidden")[:AT_ONCE]
    ):
        last = papers[-1][0]
        InCategory.objects.bulk_create(
            [
                InCategory(paper_id=number, code=code, day=announced or placed)
                for number, categories, announced, placed, withdrawn, hidden in papers
                if (announced or placed) and not (withdrawn or hidden)
                for code in dict.fromkeys(categories.split())
                if len(code) <= LONGEST
            ],
            batch_size=300,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("papers", "0003_listings_and_tags"),
    ]

    operations = [
        migrations.CreateModel(
            name="InCategory",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=80)),
                ("day", models.DateField()),
                (
                    "paper",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="in_categories",
                        to="papers.paper",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["code", "-day", "paper"], name="papers_inca_code_day_idx")],
                "constraints": [
                    models.UniqueConstraint(fields=("paper", "code"), name="one_row_per_category"),
                ],
            },
        ),
        migrations.RunPython(file_known, migrations.RunPython.noop),
    ]
