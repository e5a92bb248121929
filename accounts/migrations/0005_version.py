from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_idempotent_request'),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name='version',
            field=models.IntegerField(db_default=1, default=1, editable=False),
        )
        for name in ('user', 'organization', 'membership')
    ]
