"""The tables of this app as one operation, for an empty database; others apply the migrations it replaces."""

import uuid
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apikeys.made_through
import apikeys.predicates
from config.database.creation import CreateModels

# The expressions of apikeys.admin.search: an index is only looked into by what is spelled like it.
CREATE = (
    """
    CREATE INDEX api_key_by_words ON apikeys_apikey
    USING gin (to_tsvector('simple', translate(name || ' ' || description, '-_./:@~+&<>', '           ')))
    """,
    "CREATE INDEX api_key_by_scope ON apikeys_apikey USING gin (scopes jsonb_path_ops)",
)
DROP = ("DROP INDEX api_key_by_words", "DROP INDEX api_key_by_scope")


def on_postgresql(statements: tuple[str, ...]) -> Any:
    """Indexes that SQLite has nothing like."""

    def execute(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for statement in statements:
                schema_editor.execute(statement)

    return execute


class Migration(migrations.Migration):

    initial = True

    replaces = [
        ('apikeys', '0001_initial'),
        ('apikeys', '0002_version'),
        ('apikeys', '0003_list_filters'),
        ('apikeys', '0004_labels'),
        ('apikeys', '0005_notes'),
        ('apikeys', '0006_notices'),
        ('apikeys', '0007_imported_keys'),
        ('apikeys', '0008_narrowed_keys'),
        ('apikeys', '0009_open_rotations'),
        ('apikeys', '0010_counted_as'),
        ('apikeys', '0011_imported_hashes'),
        ('apikeys', '0012_quotas'),
    ]

    dependencies = [
        ('accounts', '0017_device_codes'),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel('ApiKey', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('environment', models.CharField(max_length=64, verbose_name='environment')),
                ('scopes', models.JSONField(default=list)),
                ('attributes', models.JSONField(default=dict)),
                ('digest', models.BinaryField(max_length=32, unique=True)),
                ('pepper', models.PositiveSmallIntegerField(help_text='number of the pepper in the digest')),
                ('key_prefix', models.CharField(db_index=True, max_length=64)),
                ('created_at', models.DateTimeField()),
                ('scope_uses_since', models.DateTimeField(editable=False, null=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('revoked_reason', models.CharField(blank=True, max_length=200)),
                ('disabled_at', models.DateTimeField(null=True)),
                ('allowed_networks', models.JSONField(default=list, help_text='no networks: usable from everywhere')),
                ('rate_requests', models.PositiveIntegerField(null=True)),
                ('rate_seconds', models.PositiveIntegerField(null=True)),
                ('last_used_at', models.DateTimeField(null=True)),
                ('last_used_ip', models.CharField(blank=True, max_length=45, verbose_name='last address')),
                ('use_count', models.PositiveBigIntegerField(default=0)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='keys_made', to=settings.AUTH_USER_MODEL)),
                ('made_through', models.ForeignKey(db_constraint=False, null=True, on_delete=apikeys.made_through.revoke_with_token, related_name='keys_made', to=settings.OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL)),
                ('organization', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='api_keys', to='accounts.organization', verbose_name='organization')),
                ('predecessor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='successors', to='apikeys.apikey')),
                ('user', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='api_keys', to=settings.AUTH_USER_MODEL, verbose_name='user')),
                ('version', models.IntegerField(db_default=1, default=1, editable=False)),
                ('description', models.CharField(blank=True, db_default='', default='', max_length=500)),
                ('metadata', models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
                ('imported_from', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='api_keys', to='apikeys.keysource')),
                ('import_digest', models.BinaryField(max_length=32, null=True, unique=True)),
                ('import_pepper', models.PositiveSmallIntegerField(editable=False, null=True)),
                ('unused_until', models.DateTimeField(editable=False, null=True)),
                ('narrowed_at', models.DateTimeField(editable=False, null=True)),
                ('wider_scopes', models.JSONField(editable=False, null=True)),
                ('counted_as', models.UUIDField(editable=False, null=True)),
            ], {'verbose_name': 'API key', 'ordering': ('-pk',), 'indexes': [models.Index(fields=['expires_at'], name='api_key_by_expiry'), models.Index(fields=['created_at'], name='api_key_by_age'), models.Index(fields=['user', 'id'], name='api_key_by_user'), models.Index(fields=['organization', 'id'], name='api_key_by_organization'), models.Index(fields=['environment', 'id'], name='api_key_by_environment'), models.Index(fields=['name', 'id'], name='api_key_by_name'), models.Index(apikeys.predicates.Expiry('expires_at'), models.F('id'), name='api_key_by_end'), models.Index(condition=models.Q(('revoked_at__isnull', False)), fields=['id'], name='api_key_revoked'), models.Index(condition=models.Q(('revoked_at__isnull', True), ('disabled_at__isnull', False)), fields=['id'], name='api_key_disabled'), models.Index(condition=models.Q(('revoked_at__isnull', True), ('imported_from__isnull', False)), fields=['imported_from', 'id'], name='api_key_imported'), models.Index(condition=models.Q(('unused_until__isnull', False)), fields=['unused_until'], name='api_key_import_unused')], 'constraints': [models.CheckConstraint(condition=models.Q(('user__isnull', True), ('organization__isnull', True), _connector='XOR'), name='api_key_has_one_owner'), models.CheckConstraint(condition=models.Q(('expires_at__isnull', True), ('expires_at__gt', models.F('created_at')), _connector='OR'), name='api_key_expires_after_creation'), models.UniqueConstraint(condition=models.Q(('predecessor__isnull', False), ('revoked_at__isnull', True)), fields=('predecessor',), name='api_key_has_one_successor'), models.CheckConstraint(condition=models.Q(('made_through__isnull', True), ('expires_at__isnull', False), _connector='OR'), name='api_key_expires_with_its_token'), models.CheckConstraint(condition=models.Q(models.Q(('rate_requests__isnull', True), ('rate_seconds__isnull', True)), models.Q(('rate_requests__gte', 1), ('rate_seconds__gte', 1)), _connector='OR'), name='api_key_rate_is_whole')], 'verbose_name_plural': 'API keys'}),
            migrations.CreateModel('HourTotal', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField(help_text='number of the organization, 0 for all keys')),
                ('begins_at', models.BigIntegerField()),
                ('outcome', models.CharField(choices=[('allowed', 'Allowed'), ('ended', 'revoked, expired, disabled, or its owner is not active'), ('scope', 'it lacks a scope or a role, or may not do this'), ('network', 'from an address outside of its networks'), ('rate', 'over its rate limit or a quota')], max_length=10)),
                ('count', models.BigIntegerField()),
            ], {'constraints': [models.UniqueConstraint(fields=('organization_id', 'begins_at', 'outcome'), name='hour_total_is_in_one_row')]}),
            migrations.CreateModel('KeyUse', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('begins_at', models.BigIntegerField()),
                ('seconds', models.PositiveIntegerField(choices=[(3600, 'hour'), (86400, 'day')])),
                ('outcome', models.CharField(choices=[('allowed', 'Allowed'), ('ended', 'revoked, expired, disabled, or its owner is not active'), ('scope', 'it lacks a scope or a role, or may not do this'), ('network', 'from an address outside of its networks'), ('rate', 'over its rate limit or a quota')], max_length=10)),
                ('count', models.BigIntegerField()),
                ('key', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='uses', to='apikeys.apikey')),
            ], {'indexes': [models.Index(fields=['seconds', 'begins_at'], name='key_use_by_age')], 'constraints': [models.UniqueConstraint(fields=('key', 'begins_at', 'seconds', 'outcome'), name='key_use_is_counted_in_one_row')]}),
            migrations.CreateModel('ScopeUse', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.TextField()),
                ('last_used_at', models.DateTimeField()),
                ('key', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='scope_uses', to='apikeys.apikey')),
            ], {'constraints': [models.UniqueConstraint(fields=('key', 'scope'), name='scope_use_is_in_one_row')]}),
            migrations.CreateModel('KeyWalk', [
                ('name', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('reached_at', models.DateTimeField()),
                ('reached_id', models.BigIntegerField(default=0)),
            ]),
            migrations.CreateModel('KeyNotice', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('expiring', 'expiring'), ('unused', 'unused'), ('new_network', 'new_network'), ('leaked', 'leaked'), ('still_used', 'still_used')], max_length=20)),
                ('mark', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(db_index=True)),
                ('key', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='notices', to='apikeys.apikey')),
            ], {'constraints': [models.UniqueConstraint(fields=('key', 'kind', 'mark'), name='key_notice_is_written_once')]}),
            migrations.CreateModel('KeyNews', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mail', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='key_news', to='accounts.mail')),
                ('notice', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='news', to='apikeys.keynotice')),
            ], {'constraints': [models.UniqueConstraint(fields=('mail', 'notice'), name='key_news_is_once_in_a_mail')]}),
            migrations.CreateModel('KeyNetwork', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('network', models.CharField(max_length=43)),
                ('first_used_at', models.DateTimeField()),
                ('is_new', models.BooleanField(db_default=True, default=True)),
                ('key', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='networks', to='apikeys.apikey')),
            ], {'indexes': [models.Index(condition=models.Q(('is_new', True)), fields=['id'], name='key_network_to_tell')], 'constraints': [models.UniqueConstraint(fields=('key', 'network'), name='key_network_is_in_one_row')]}),
            migrations.CreateModel('KeySource', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=40, unique=True)),
                ('kind', models.CharField(max_length=40)),
                ('place', models.CharField(max_length=40)),
                ('is_open', models.BooleanField(default=True)),
                ('has_unused', models.BooleanField(default=True)),
            ]),
            migrations.CreateModel('OpenRotation', [
                ('key', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='open_rotation', serialize=False, to='apikeys.apikey')),
                ('began_at', models.DateTimeField()),
                ('overlap_ends_at', models.DateTimeField()),
                ('look_at', models.DateTimeField(db_index=True)),
            ]),
            migrations.CreateModel('ImportedHash', [
                ('key', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='imported_hash', serialize=False, to='apikeys.apikey')),
                ('encoded', models.CharField(max_length=200)),
            ]),
            migrations.CreateModel('UseReport', [
                ('digest', models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ('key', models.UUIDField()),
                ('units', models.PositiveBigIntegerField()),
                ('reported_at', models.DateTimeField(db_index=True)),
            ]),
            migrations.CreateModel('QuotaLedger', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('counted_as', models.UUIDField(null=True, unique=True)),
                ('counts', models.CharField(choices=[('requests', 'each request is a unit, and services may report more'), ('reports', 'only what services report')], default='requests', max_length=10)),
                ('day_most', models.PositiveBigIntegerField(null=True)),
                ('month_most', models.PositiveBigIntegerField(null=True)),
                ('total_most', models.PositiveBigIntegerField(null=True)),
                ('day', models.DateField(null=True)),
                ('day_used', models.PositiveBigIntegerField(default=0)),
                ('month_used', models.PositiveBigIntegerField(default=0)),
                ('total_used', models.PositiveBigIntegerField(default=0)),
                ('organization', models.OneToOneField(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='quota', to='accounts.organization')),
            ], {'constraints': [models.CheckConstraint(condition=models.Q(('counted_as__isnull', True), ('organization__isnull', True), _connector='XOR'), name='quota_has_one_holder')]}),
        ]),
        migrations.RunPython(on_postgresql(CREATE), on_postgresql(DROP)),
    ]
