"""The HTML of comments, kept beside their text."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("taskrealtime", "0008_language"),
    ]

    operations = [
        migrations.AddField(
            model_name="comment",
            name="content_html",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="comment",
            name="html_key",
            field=models.CharField(editable=False, max_length=32, null=True),
        ),
    ]
