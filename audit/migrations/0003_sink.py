from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0002_labels'),
    ]

    operations = [
        migrations.CreateModel(
            name='Sink',
            fields=[
                ('name', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('sequence', models.BigIntegerField(default=0)),
                ('hash', models.BinaryField(default=bytes(32), max_length=32)),
                ('signed_sequence', models.BigIntegerField(default=0)),
                ('signed_at', models.DateTimeField(null=True)),
                ('claim', models.BigIntegerField(default=0)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('next_try_at', models.DateTimeField()),
            ],
        ),
    ]
