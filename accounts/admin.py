"""The pages of accounts in the admin; each subject has its own."""

from django.contrib import admin

from accounts.invitations.admin import InvitationAdmin
from accounts.models import Invitation, Session
from accounts.sessions.admin import SessionAdmin
from accounts.users import admin as _users  # noqa: F401 (it registers itself)

admin.site.register(Session, SessionAdmin)
admin.site.register(Invitation, InvitationAdmin)
