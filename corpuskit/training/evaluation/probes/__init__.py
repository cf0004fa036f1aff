"""The probe suite: what a small model knows of English and Korean, in seconds and without a download.

| task | asks | choices |
|---|---|---|
| en-agreement | does the verb agree with its subject, also across a phrase with another number | 2 |
| en-determiners | a or an, this or these | 2 |
| en-tense | does the verb fit the time that is named | 2 |
| en-order | a sentence, or its words in another order | 2 |
| en-facts | what everyone knows | 4 |
| ko-particles | which form of a particle follows a noun: 을/를, 이/가, 은/는, 과/와, 으로/로 | 2 |
| ko-honorifics | does the verb honour whom the subject honours | 2 |
| ko-tense | does the verb fit the time that is named | 2 |
| ko-order | a sentence, or one whose verb has left the end | 2 |
| ko-facts | what everyone knows | 4 |
| copying | go on with a sequence that was begun a second time (Olsson et al. 2022, arXiv:2209.11895) | 4 |
| sequences | go on counting, spelling, naming days and months | 4 |
| arithmetic | sums and differences up to 20 | 4 |

Pairs that differ in one point are judged by likelihood, as in BLiMP (Warstadt et al. 2020, arXiv:1912.00582); all items
are our own. Facts, tenses and honorifics are written out in `data/`, in the form of any task file; the rest is made
from lists of words by a fixed draw, so that the suite is the same everywhere.
"""

from corpuskit.training.evaluation.probes.suite import probe_tasks

__all__ = ["probe_tasks"]
