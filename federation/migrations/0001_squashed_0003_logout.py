"""The tables of this app as one operation, for an empty database; others apply the migrations it replaces."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from config.database.creation import CreateModels


class Migration(migrations.Migration):

    initial = True

    replaces = [
        ('federation', '0001_initial'),
        ('federation', '0002_grant'),
        ('federation', '0003_logout'),
    ]

    dependencies = [
        ('accounts', '0017_device_codes'),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel('Identity', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=500)),
                ('subject', models.CharField(max_length=255)),
                ('created_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identities', to=settings.AUTH_USER_MODEL)),
            ], {'verbose_name_plural': 'identities', 'constraints': [models.UniqueConstraint(fields=('issuer', 'subject'), name='one_account_of_an_identity')]}),
            migrations.CreateModel('Provider', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=500)),
                ('client_id', models.CharField(max_length=255)),
                ('secret', models.TextField(blank=True)),
                ('algorithm', models.CharField(max_length=10)),
                ('role_claim', models.CharField(blank=True, max_length=100)),
                ('trusted_acr', models.JSONField(default=list)),
                ('trusted_amr', models.JSONField(default=list)),
                ('created_at', models.DateTimeField()),
                ('tested_at', models.DateTimeField(null=True)),
                ('organization', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='identity_provider', to='accounts.organization')),
            ]),
            migrations.CreateModel('RoleRule', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('value', models.CharField(blank=True, max_length=200)),
                ('role', models.CharField(max_length=64)),
                ('position', models.IntegerField()),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='federation.provider')),
                ('written_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ], {'ordering': ('position', 'pk'), 'constraints': [models.UniqueConstraint(fields=('provider', 'value'), name='one_rule_for_a_value_of_a_claim')]}),
            migrations.CreateModel('Standing', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(blank=True, max_length=64)),
                ('logged_in_at', models.DateTimeField()),
                ('identity', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='standings', to='federation.identity')),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='standings', to='federation.provider')),
            ], {'constraints': [models.UniqueConstraint(fields=('provider', 'identity'), name='one_standing_of_an_identity')]}),
            migrations.CreateModel('Domain', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('name', models.CharField(max_length=253)),
                ('token', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField()),
                ('proven_at', models.DateTimeField(null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='domains', to='accounts.organization')),
            ], {'ordering': ('name',), 'constraints': [models.UniqueConstraint(fields=('organization', 'name'), name='one_claim_of_a_domain'), models.UniqueConstraint(condition=models.Q(('proven_at__isnull', False)), fields=('name',), name='one_owner_of_a_domain')]}),
            migrations.CreateModel('Grant', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('refresh_token', models.TextField()),
                ('asked_at', models.DateTimeField()),
                ('answered_at', models.DateTimeField()),
                ('session', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='grant', to='accounts.session')),
            ]),
            migrations.CreateModel('Logout', [
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(blank=True, max_length=255)),
                ('sid', models.CharField(blank=True, max_length=255)),
                ('ends_at', models.BigIntegerField(db_index=True)),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='logouts', to='federation.provider')),
            ]),
        ]),
    ]
