"""A FastAPI application with the API and the explorer at /news/graphql.

Run it in a folder that has your articles in `content/`: `uvicorn --app-dir path/to/examples mounted:app`.
"""

from fastapi import FastAPI

import gqlnews

news = gqlnews.create_app(content="content", db="news.db")
app = FastAPI(lifespan=news.lifespan)
app.mount("/news", news)


@app.get("/")
async def home() -> dict[str, str]:
    return {"articles": "/news/graphql"}
