"""The tables of this app as one operation, for an empty database; others apply the migrations it replaces."""

import uuid

from django.db import migrations, models

import audit.events
from audit import triggers
from config.database.creation import CreateModels


class Migration(migrations.Migration):

    initial = True

    replaces = [
        ('audit', '0001_initial'),
        ('audit', '0002_labels'),
        ('audit', '0003_sink'),
    ]

    dependencies = [
    ]

    operations = [
        CreateModels([
            migrations.CreateModel('ChainHead', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.BigIntegerField(default=0)),
                ('hash', models.BinaryField(default=b'\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00', max_length=32)),
                ('epoch', models.BigIntegerField(default=0)),
            ]),
            migrations.CreateModel('Event', [
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('sequence', models.BigIntegerField(primary_key=True, serialize=False, verbose_name='sequence')),
                ('occurred_at', models.DateTimeField(db_index=True)),
                ('name', models.CharField(choices=audit.events.choices, max_length=50, verbose_name='event')),
                ('actor_kind', models.CharField(max_length=20, verbose_name='actor kind')),
                ('actor_id', models.CharField(blank=True, max_length=36, verbose_name='actor id')),
                ('actor_label', models.CharField(blank=True, max_length=200, verbose_name='actor')),
                ('target_kind', models.CharField(blank=True, max_length=20, verbose_name='target kind')),
                ('target_id', models.CharField(blank=True, max_length=36, verbose_name='target id')),
                ('target_label', models.CharField(blank=True, max_length=200, verbose_name='target')),
                ('organization_id', models.BigIntegerField(null=True)),
                ('ip', models.CharField(blank=True, max_length=45, verbose_name='address')),
                ('request_id', models.CharField(blank=True, max_length=64, verbose_name='request id')),
                ('detail', models.JSONField(default=dict)),
                ('subjects', models.JSONField(default=list)),
                ('hash_version', models.PositiveSmallIntegerField(default=2)),
                ('previous_hash', models.BinaryField(max_length=32)),
                ('hash', models.BinaryField(max_length=32)),
            ], {'ordering': ('-sequence',), 'indexes': [models.Index(fields=['actor_id', '-sequence'], name='audit_by_actor'), models.Index(fields=['target_id', '-sequence'], name='audit_by_target'), models.Index(fields=['organization_id', '-sequence'], name='audit_by_organization'), models.Index(fields=['name', '-sequence'], name='audit_by_name'), models.Index(fields=['actor_kind', '-sequence'], name='audit_by_actor_kind'), models.Index(fields=['ip', '-sequence'], name='audit_by_address'), models.Index(fields=['request_id'], name='audit_by_request'), models.Index(fields=['actor_label'], name='audit_by_actor_label', opclasses=('varchar_pattern_ops',)), models.Index(fields=['target_label'], name='audit_by_target_label', opclasses=('varchar_pattern_ops',))], 'verbose_name': 'event', 'verbose_name_plural': 'events'}),
            migrations.CreateModel('Sink', [
                ('name', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('sequence', models.BigIntegerField(default=0)),
                ('hash', models.BinaryField(default=b'\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00', max_length=32)),
                ('signed_sequence', models.BigIntegerField(default=0)),
                ('signed_at', models.DateTimeField(null=True)),
                ('claim', models.BigIntegerField(default=0)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('next_try_at', models.DateTimeField()),
            ]),
        ]),
        migrations.RunPython(
            lambda apps, editor: triggers.create(editor.connection),
            lambda apps, editor: triggers.drop(editor.connection),
        ),
    ]
