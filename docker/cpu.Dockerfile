# corpuskit on CPUs: docker build -f docker/cpu.Dockerfile -t corpuskit .
FROM python:3.11-slim
WORKDIR /opt/corpuskit
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY corpuskit corpuskit
# torch's CPU build comes from its own index; everything else from the tested set
RUN pip install --no-cache-dir torch --constraint constraints.txt --index-url https://download.pytorch.org/whl/cpu \
 && pip install --no-cache-dir --constraint constraints.txt '.[all]'
COPY pipelines pipelines
RUN useradd --create-home corpus && mkdir /data && chown corpus /data
USER corpus
WORKDIR /data
ENTRYPOINT ["corpuskit"]
