# corpuskit on NVIDIA GPUs (training, audits, detoxify): docker build -f docker/gpu.Dockerfile -t corpuskit:gpu .
FROM nvidia/cuda:13.0.1-runtime-ubuntu24.04
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv gcc libc6-dev python3-dev \
 && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/venv/bin:$PATH
RUN python3 -m venv /opt/venv
WORKDIR /opt/corpuskit
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY corpuskit corpuskit
RUN pip install --no-cache-dir --constraint constraints.txt '.[all]'
COPY pipelines pipelines
WORKDIR /data
ENTRYPOINT ["corpuskit"]
