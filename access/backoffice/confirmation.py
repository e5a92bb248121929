"""Admin actions that take something away first show a page that says what will stop working."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django_stubs_ext import StrOrPromise

from access.backoffice.base import CapabilityAdmin, add_error
from access.backoffice.forms import TicketField
from config.wire.errors import Invalid


class ConfirmForm(forms.Form):
    """A form with nothing to fill in."""

    confirmed = forms.BooleanField(widget=forms.HiddenInput, initial=True)


class ConfirmOnceForm(ConfirmForm):
    """A form that does something once, however often it is sent."""

    ticket = TicketField()


@dataclass(frozen=True)
class Confirmation:
    """The page's title, its button, what will happen to the rows, the message for one row and for many."""

    title: StrOrPromise
    button: StrOrPromise
    words: StrOrPromise
    one: StrOrPromise
    many: StrOrPromise


class ConfirmingAdmin(CapabilityAdmin):
    """A list whose actions ask for confirmation, and then call one service for all rows."""

    def in_words(self, row: Any) -> str:
        """What the page says about a row, so that the person knows what they confirm."""
        return str(row)

    def ask(
        self,
        request: HttpRequest,
        selected: QuerySet[Any],
        question: Confirmation,
        do: Callable[..., int | HttpResponse],
        form: type[ConfirmForm] = ConfirmForm,
        **initial: Any,
    ) -> HttpResponse | None:
        """Ask, and once the person confirms, call `do` with `selected` (the rows) and the form's values.

        `do` returns how many rows it changed, or a page. Its error about a field is shown beside the field.
        """
        rows = self._chosen(request, selected)
        if not rows:
            return None
        asked = form(request.POST if "confirmed" in request.POST else None, initial=initial)
        if asked.is_valid():
            values = {name: value for name, value in asked.cleaned_data.items() if name != "confirmed"}
            try:
                done = do(selected=rows, **values)
            except Invalid as error:
                if not error.errors.keys() & asked.fields.keys():
                    raise
                add_error(asked, error)
            else:
                return self._said(request, question, done, len(rows))
        lines = [(row.pk, self.in_words(row)) for row in rows]
        context = {"question": question, "form": asked, "lines": lines, "action": request.POST["action"]}
        return self.page(request, "admin/confirm.html", str(question.title), **context)

    def _said(
        self, request: HttpRequest, question: Confirmation, done: int | HttpResponse, wanted: int
    ) -> HttpResponse | None:
        if isinstance(done, HttpResponse):
            return done
        count = f"{done}"
        if done != wanted:
            count = gettext("%(done)d of %(wanted)d") % {"done": done, "wanted": wanted}
        messages.success(request, f"{count} {question.one if wanted == 1 else question.many}.")
        return None

    def _chosen(self, request: HttpRequest, selected: QuerySet[Any]) -> list[Any]:
        """Return the selected rows; warn if there are none."""
        rows = list(selected)
        if not rows:
            messages.warning(request, gettext("This action applies to none of the selected rows."))
        return rows
