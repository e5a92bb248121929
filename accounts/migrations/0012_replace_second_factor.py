from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0011_passkeys'),
    ]

    operations = [
        migrations.AddField(
            model_name='secondfactor',
            name='new_seed',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=255),
        ),
    ]
