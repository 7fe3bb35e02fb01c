# The grader with what requirements.lock names, and nothing of a course: no solutions, no hand-ins,
# no keys (.dockerignore). `make image` builds it; docs/instructors.md says how it is used.
FROM python:3.12-slim-bookworm

WORKDIR /opt/skipgrade
COPY requirements.lock ./
RUN sed -n '/^uv==/,/# via/p' requirements.lock > uv.lock \
    && pip install --no-cache-dir --require-hashes -r uv.lock \
    && uv pip install --system --no-cache --compile-bytecode --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY skipgrade ./skipgrade
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

# Whoever runs it, by `--user`, has a home to write to.
RUN mkdir --mode 1777 /home/grader
ENV HOME=/home/grader USER=grader LOGNAME=grader
WORKDIR /course
CMD ["skipgrade", "--help"]
