from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_logged_in_anew'),
    ]

    operations = [
        migrations.CreateModel(
            name='IdempotentRequest',
            fields=[
                ('digest', models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ('members', models.BinaryField(max_length=32)),
                ('resource', models.UUIDField()),
                ('ends_at', models.BigIntegerField(db_index=True)),
            ],
        ),
    ]
