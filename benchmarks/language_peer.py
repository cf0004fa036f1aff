"""The peers of language.py, in their own environment: python language_peer.py cld2|eld < texts.json."""

import json
import sys
import time


def cld2():
    import pycld2

    def identify(text):
        try:
            return pycld2.detect(text)[2][0][1]
        except pycld2.error:
            return ""

    return identify


def eld():
    import eldc

    eldc.init()
    return lambda text: str(eldc.detect(text))


if __name__ == "__main__":
    texts = json.load(sys.stdin)
    identify = {"cld2": cld2, "eld": eld}[sys.argv[1]]()
    identify(texts[0])
    started = time.process_time()
    found = [identify(text) for text in texts]
    print(json.dumps([found, time.process_time() - started]))
