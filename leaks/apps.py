from django.apps import AppConfig


class LeaksConfig(AppConfig):
    name = "leaks"
    verbose_name = "Leaked keys"

    def ready(self) -> None:
        from accounts import background
        from leaks.services.reports import look_up_reports

        background.register(look_up_reports, "reports of leaked keys not looked up yet")
