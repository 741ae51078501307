"""Run the service in this process. In: settings. Out: a listening server until a signal.

In development it prints a banner, a triaged sample and the page's address.
"""

import gc
import logging

import uvicorn
from starlette.applications import Starlette

from models.predictor import Predictor
from serving.lifecycle import load_predictor
from serving.settings import DEVELOPMENT_FOLDER, Settings

logger = logging.getLogger("xiaobao")

SAMPLE = (
    "我妈六十八岁，去存三年定期，理财经理说换个产品保本、利息高一倍，签完字才知道是五年的保险，"
    "现在要退只能拿回八成。已经找了三次没人管，再不解决我就打12378。电话138 0000 1234"
)


def serve(settings: Settings, *, api_only: bool = False) -> None:
    """Load, warm, listen. Returns after a graceful stop."""
    gc.disable()  # until all is loaded: it would walk again and again what stays
    predictor = load_predictor(settings, settings.read_policies().current)
    if settings.is_development:
        logger.info("\n%s", _banner(settings, predictor, api_only=api_only))
    app = _app(settings, predictor, api_only=api_only)
    # What is loaded now stays: the collector need not walk it again for every few requests.
    gc.collect()
    gc.freeze()
    gc.enable()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,  # as everything else in this process is logged
        log_level="warning",
        timeout_graceful_shutdown=10,
        # Longer than a balancer keeps an idle connection (nginx 60 s), or it would send into one just closed.
        timeout_keep_alive=75,
        server_header=False,
        ws="none",
    )


def _app(settings: Settings, predictor: Predictor, *, api_only: bool) -> Starlette:
    if api_only:
        from serving.api_only import create_api_only

        return create_api_only(settings, predictor)
    from serving.app import create_app

    return create_app(settings, predictor)


def _banner(settings: Settings, predictor: Predictor, *, api_only: bool) -> str:
    from serving.readable import render_answer

    address = f"http://{settings.host}:{settings.port}"
    pages = f"接口 API: {address}/v1/triage" if api_only else f"页面 page: {address}/    接口文档 API: {address}/docs"
    return "\n".join(
        [
            "=" * 78,
            "  开发模式 DEVELOPMENT MODE: loopback only, requests without a token are let in.",
            f"  密钥 generated key: {DEVELOPMENT_FOLDER / 'api_token'}   never use it in production",
            "=" * 78,
            f"示例 sample: {SAMPLE}",
            "",
            render_answer(predictor.triage([SAMPLE])[0]),
            "",
            pages,
        ]
    )
