from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "access"

    def ready(self) -> None:
        from access.leases import wait_out_leases
        from access.principal_cache import memory
        from audit import epoch
        from config.database.lost import connection_lost

        epoch.after_begin(wait_out_leases)
        connection_lost.connect(memory.forget)
