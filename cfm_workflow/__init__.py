"""cfm-workflow: turns customer feedback into work that somebody accepts, does and finishes in time.

`create_app()` is the one place where the parts are put together.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from cfm_workflow.service import Service

__version__ = "0.1.0"


def create_app(service: "Service | None" = None) -> "Flask":
    """The WSGI application around a service; without one it is opened from the settings of the process.

    Raises:
        SettingsError, NotReady, WrongKey, WorkflowError: the service cannot start; the text says what to do.
    """
    # Imported here so that importing a part, such as the settings, does not import everything.
    from flask import Flask
    from werkzeug.middleware.proxy_fix import ProxyFix

    from cfm_workflow import api, limits, web
    from cfm_workflow.api import answers
    from cfm_workflow.security.failures import Failures
    from cfm_workflow.service import open_service

    service = service or open_service()
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = limits.BODY_BYTES
    app.extensions["cfm_service"] = service
    app.extensions["cfm_failures"] = Failures()
    if hops := service.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops)  # type: ignore[method-assign]
    answers.register(app)
    api.register(app, service)
    web.register(app, threads=service.settings.threads)
    return app
