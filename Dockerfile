# One image for web, worker and beat. Build: docker build -t kitchen-table .
FROM python:3.13.11-slim-bookworm AS build
COPY requirements.txt /build/
RUN python -m venv /site && /site/bin/pip install --no-cache-dir --require-hashes -r /build/requirements.txt

FROM python:3.13.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home kitchen
COPY --from=build /site /site
ENV PATH=/site/bin:$PATH \
    PYTHONPATH=/app:/app/platform \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    STATIC_ROOT=/app/.collected
WORKDIR /app
COPY manage.py ./
COPY platform platform
COPY courses courses
COPY chat chat
COPY templates templates
COPY static static
COPY locale locale
RUN pybabel compile -d locale -D django
# collectstatic needs settings but no real secrets: these values exist in this step only.
RUN KITCHEN_MODE=production SECRET_KEY=only-while-collecting-static-files-0123456789-abcdefghij \
    ALLOWED_HOSTS=collect.invalid SITE_URL=https://collect.invalid DATABASE_URL=postgres:///none \
    VALKEY_URL=redis://none TUTOR_BASE_URL=http://none TUTOR_MODEL=none EMAIL_URL=smtp://none \
    python manage.py collectstatic --no-input
USER kitchen
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["uvicorn", "config.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--lifespan", "on", \
     "--no-server-header", "--timeout-graceful-shutdown", "10"]
