from django.db import migrations, models


def keep_votes(apps, schema_editor):
    ClosedPlace = apps.get_model("editions", "ClosedPlace")
    places = list(ClosedPlace.objects.all())
    for place in places:
        place.why = {"votes": place.votes}
    ClosedPlace.objects.bulk_update(places, ["why"], batch_size=300)


class Migration(migrations.Migration):
    dependencies = [("editions", "0001_initial")]

    operations = [
        migrations.AddField("closedplace", "why", models.JSONField(default=dict)),
        migrations.RunPython(keep_votes, migrations.RunPython.noop),
        migrations.RemoveField("closedplace", "votes"),
    ]
