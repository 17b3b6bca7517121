from django.db import migrations, models
from django.db.models import F


class Migration(migrations.Migration):
    dependencies = [("papers", "0001_initial")]

    operations = [
        migrations.RemoveIndex(model_name="paper", name="papers_pape_announc_15f888_idx"),
        migrations.RenameField(model_name="paper", old_name="votes", new_name="votes_outside"),
        migrations.RenameField(model_name="paper", old_name="comments", new_name="comments_outside"),
        migrations.AlterField("paper", "votes_outside", models.IntegerField(db_default=0, default=0)),
        migrations.AlterField("paper", "comments_outside", models.IntegerField(db_default=0, default=0)),
        migrations.AddField("paper", "stars", models.IntegerField(db_default=0, default=0)),
        migrations.AddField("paper", "votes_here", models.IntegerField(db_default=0, default=0)),
        migrations.AddField("paper", "comments_here", models.IntegerField(db_default=0, default=0)),
        migrations.AddField("paper", "vote_weight", models.FloatField(db_default=0.0, default=0.0)),
        migrations.AddField("paper", "commenters", models.FloatField(db_default=0.0, default=0.0)),
        migrations.AddField("paper", "placed", models.DateField(db_index=True, null=True)),
        migrations.AddField("paper", "hidden", models.BooleanField(db_default=False, default=False)),
        migrations.AddField(
            "paper",
            "votes",
            models.GeneratedField(
                db_persist=True,
                expression=F("votes_outside") + F("votes_here"),
                output_field=models.IntegerField(),
            ),
        ),
        migrations.AddField(
            "paper",
            "comments",
            models.GeneratedField(
                db_persist=True,
                expression=F("comments_outside") + F("comments_here"),
                output_field=models.IntegerField(),
            ),
        ),
        migrations.AddIndex(
            "paper", models.Index(fields=["announced", "-votes"], name="papers_pape_announc_15f888_idx")
        ),
    ]
