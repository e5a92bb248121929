"""Registers the admin pages of accounts, which are in the folders of their subjects."""

from django.contrib import admin

from accounts.invitations.admin import InvitationAdmin
from accounts.models import Invitation, Passkey, Session
from accounts.passkeys.admin import PasskeyAdmin
from accounts.sessions.admin import SessionAdmin
from accounts.users import admin as _users  # noqa: F401 (it registers itself)

admin.site.register(Session, SessionAdmin)
admin.site.register(Passkey, PasskeyAdmin)
admin.site.register(Invitation, InvitationAdmin)
