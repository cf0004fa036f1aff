# A node of a Ray cluster that runs corpuskit's tasks (docker/ray.yaml)
FROM python:3.11-slim
WORKDIR /opt/corpuskit
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY corpuskit corpuskit
RUN pip install --no-cache-dir torch --constraint constraints.txt --index-url https://download.pytorch.org/whl/cpu \
 && pip install --no-cache-dir --constraint constraints.txt '.[all,ray]'
WORKDIR /data
