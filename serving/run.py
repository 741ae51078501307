"""Run the service in this process. In: settings. Out: a listening server until a signal.

In development it prints a banner, a triaged sample and the page's address.
"""

import logging

import uvicorn

from models.predictor import Predictor
from serving.app import create_app
from serving.readable import render_answer
from serving.settings import DEVELOPMENT_FOLDER, Settings

logger = logging.getLogger("xiaobao")

SAMPLE = (
    "我妈六十八岁，去存三年定期，理财经理说换个产品保本、利息高一倍，签完字才知道是五年的保险，"
    "现在要退只能拿回八成。已经找了三次没人管，再不解决我就打12378。电话138 0000 1234"
)


def serve(settings: Settings) -> None:
    """Load, warm, listen. Returns after a graceful stop."""
    predictor = Predictor.load(settings.bundle)
    if settings.is_development:
        logger.info("\n%s", _banner(settings, predictor))
    uvicorn.run(
        create_app(settings, predictor),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=10,
        server_header=False,
    )


def _banner(settings: Settings, predictor: Predictor) -> str:
    address = f"http://{settings.host}:{settings.port}"
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
            f"页面 page: {address}/    接口文档 API: {address}/docs",
        ]
    )
