from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "access"

    def ready(self) -> None:
        from access.leases import wait_out_leases
        from audit import epoch

        epoch.after_begin(wait_out_leases)
