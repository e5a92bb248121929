"""Query parameters, read as strictly as bodies."""

from rest_framework.request import Request

from config.errors import Invalid

PAGE_PARAMETERS = {"cursor", "page_size"}


def sent_once(request: Request) -> dict[str, str]:
    """Return the query parameters but those of paging. Raises Invalid for one that is there twice."""
    sent = {name: values for name, values in request.query_params.lists() if name not in PAGE_PARAMETERS}
    for name, values in sent.items():
        if len(values) > 1:
            raise Invalid(ascii(name)[1:-1], "stands in the URL twice")
    return {name: values[-1] for name, values in sent.items()}
