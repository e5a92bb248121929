"""What several forms of the admin have in common: moments, tickets, and rows to choose from."""

import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.contrib.admin.widgets import AutocompleteSelect
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils import timezone

from access.backoffice.forms import EXPIRED, MOST_IN_LIST, MomentField, RowField, TicketField, offer_rows
from accounts.models import Organization
from apikeys.models import ApiKey
from tests.conftest import Cast

DAY = 24 * 3600


@pytest.mark.once
@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-07-01T10:30", 8),
        ("2026-07-01T10:30:00Z", 10),
        (" 2026-07-01T10:30:00+05:00\n", 5),
        ("2026-07-01 10:30", 8),
        ("2026-07-01t10:30:00z", 10),  # RFC 3339, which Django does not read
    ],
)
def test_a_moment_is_that_of_the_zone_in_its_label_or_of_its_own(text: str, hour: int) -> None:
    field = MomentField(label="Expires", help_text="or never")
    with timezone.override("Europe/Berlin"):
        assert str(field.label) == "Expires (Europe/Berlin)"
        assert field.clean(text) == datetime(2026, 7, 1, hour, 30, tzinfo=UTC)
    assert str(field.help_text) == "or never"


@pytest.mark.once
def test_a_moment_may_be_left_out_and_is_shown_as_browsers_want_it() -> None:
    field = MomentField(label="Expires")
    assert field.clean("") is None and field.clean(None) is None and field.help_text == ""
    shown = field.widget.render("at", datetime(2026, 7, 1, 10, 30, 59))
    assert 'type="datetime-local"' in shown and 'value="2026-07-01T10:30"' in shown


@pytest.mark.once
def test_each_form_has_another_ticket_which_counts_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    field = TicketField()
    one, other = field.initial(), field.initial()
    assert field.clean(one) != field.clean(other)
    now = time.time()
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + DAY - 1)
    assert field.clean(one) == field.clean(one)
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + DAY + 1)
    with pytest.raises(ValidationError, match=str(EXPIRED)):
        field.clean(one)


@pytest.mark.once
def test_only_a_uuid_that_was_signed_as_a_ticket_is_one() -> None:
    for_tickets, for_others = (signing.TimestampSigner(salt=salt) for salt in ("ticket of a form", "other"))
    assert TicketField().clean(for_tickets.sign(str(uuid4())))
    for wrong in ("", str(uuid4()), for_tickets.sign("1"), for_others.sign(str(uuid4()))):
        with pytest.raises(ValidationError) as refused:
            TicketField().clean(wrong)
        assert refused.value.messages == [str(EXPIRED)]


def test_a_few_rows_are_offered_as_a_list_and_many_through_the_search(cast: Cast) -> None:
    rows = Organization.objects.all()
    Organization.objects.bulk_create(
        Organization(name=f"Firm {n}", name_key=f"firm {n}") for n in range(MOST_IN_LIST - rows.count())
    )
    for is_searched in (False, True):
        field = RowField(Organization.objects.none(), required=False)
        offer_rows(field, ApiKey._meta.get_field("organization"), rows)
        assert isinstance(field.widget, AutocompleteSelect) == is_searched
        shown = field.widget.render("organization", str(cast.acme.pk))
        assert f'<option value="{cast.acme.pk}" selected>Acme</option>' in shown
        assert '<option value=""' in shown
        assert ("Umbrella" in shown) != is_searched
        assert field.clean(str(cast.umbrella.pk)) == cast.umbrella
        Organization.objects.create(name=f"Firm {rows.count()}", name_key=f"firm {rows.count()}")


def test_a_row_is_named_by_its_number_in_ascii(cast: Cast) -> None:
    field, number = RowField(Organization.objects.all(), required=False), str(cast.acme.pk)
    assert (field.clean(number), field.clean(""), field.clean(cast.acme)) == (cast.acme, None, cast.acme)
    for wrong in (f" {number}", f"{number}_0", f"\u0660{number}", "x", "9" * 19):
        with pytest.raises(ValidationError) as refused:
            field.clean(wrong)
        assert (refused.value.code, refused.value.messages) == (
            "invalid_choice",
            [str(field.error_messages["invalid_choice"])],
        )
