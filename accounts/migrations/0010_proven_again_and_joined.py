from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0009_digests_and_notifications'),
    ]

    operations = [
        migrations.AddField(
            model_name='session',
            name='proven_again_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='membership',
            name='joined_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
