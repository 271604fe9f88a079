"""The dashboard: a client of the public REST API, plain ES modules and web components, served as they are."""

from service.dashboard.routes import assets, router

__all__ = ["assets", "router"]
