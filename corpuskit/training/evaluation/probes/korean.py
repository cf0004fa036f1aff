"""Korean: the form of particles after a noun, and the verb at the end."""

from __future__ import annotations

import random

from corpuskit.training.evaluation.task import EvaluationTask, make_task
from corpuskit.training.korean import closed

NOUNS = (
    *("책", "사과", "물", "편지", "빵", "나무", "돈", "노래", "옷", "기차", "집"),
    *("시계", "꽃", "커피", "신문", "영화", "밥", "우유", "문", "차", "길", "의자"),
    *("산", "바다", "그림", "구두", "선물", "모자", "연필", "지도", "가방", "카메라"),
)
PEOPLE = ("선생님", "친구", "학생", "아이", "동생", "의사", "형", "누나", "사장", "기자", "시민", "가수")
PARTICLES = (
    ("을", "를", ("샀다.", "보았다.", "찾았다.")),
    ("이", "가", ("없다.", "많다.", "좋다.")),
    ("은", "는", ("비싸다.", "여기에 있다.", "새것이다.")),
    ("과", "와", ("다른 것을 샀다.", "함께 있다.", "비슷하다.")),
)
"""(form after a consonant, form after a vowel, what may follow)."""
PLACES = (
    "학교",
    "집",
    "시장",
    "역",
    "부산",
    "바다",
    "공원",
    "도서관",
    "회사",
    "산",
    "병원",
    "서울",
    "제주",
    "대전",
    "강",
    "마을",
)

SENTENCES = (
    "할머니는 어제 시장에서 사과를 샀다.",
    "아이들이 학교 운동장에서 공을 찬다.",
    "우리는 내일 아침 기차로 부산에 간다.",
    "형은 도서관에서 밤늦게까지 책을 읽었다.",
    "그 가게는 저녁 여덟 시에 문을 닫는다.",
    "어머니가 부엌에서 저녁을 준비하신다.",
    "비가 와서 강물이 많이 불었다.",
    "동생은 친구에게 긴 편지를 썼다.",
    "마을 사람들이 함께 새 다리를 지었다.",
    "나는 그 영화를 세 번이나 보았다.",
    "선생님께서 학생들에게 노래를 가르치신다.",
    "바람이 불자 나뭇잎이 우수수 떨어졌다.",
    "그는 가방에서 낡은 사진을 꺼냈다.",
    "올해는 눈이 작년보다 적게 내렸다.",
    "회사는 다음 달에 새 제품을 내놓는다.",
    "고양이가 창가에서 햇볕을 쬐고 있다.",
    "아버지는 주말마다 텃밭에 물을 주신다.",
    "의사는 환자에게 며칠 쉬라고 말했다.",
    "배가 고파서 빵을 두 개 먹었다.",
    "시장에는 이른 아침부터 사람이 많다.",
    "그 나라에는 오래된 성이 많이 남아 있다.",
    "우리 가족은 바닷가 작은 마을에 산다.",
    "정부는 내년 예산을 조금 줄이기로 했다.",
    "누나는 피아노를 아주 잘 친다.",
    "길을 잃은 강아지가 집으로 돌아왔다.",
    "나는 오늘 아침에 우유를 마셨다.",
    "학생들은 시험이 끝나고 극장에 갔다.",
    "달빛이 호수 위에 하얗게 비쳤다.",
    "농부는 봄에 밭에 씨를 뿌린다.",
    "버스가 늦게 와서 회의에 늦었다.",
    "그 책은 어린이에게 조금 어렵다.",
    "할아버지께서 옛날이야기를 들려주셨다.",
)


def particles() -> EvaluationTask:
    draw = random.Random("ko-particles")
    items = []
    for after_consonant, after_vowel, rests in PARTICLES:
        for noun in draw.sample(NOUNS, 20) + draw.sample(PEOPLE, 4):
            rest = draw.choice(rests) if noun in NOUNS else "왔다." if after_consonant in "이은" else "만났다."
            if after_consonant == "과" and noun in PEOPLE:
                rest = "이야기했다."
            items.append(_item(noun, after_consonant, after_vowel, rest, not closed(noun)))
    for place in PLACES:
        # 으로 follows a consonant other than ㄹ
        bare = not closed(place) or (ord(place[-1]) - 0xAC00) % 28 == 8
        items.append(_item(place, "으로", "로", "갔다.", bare))
    return make_task(
        items, name="ko-particles", language="ko", input="{noun}", output="{answer}", part="particle", cluster="noun"
    )


def _item(noun: str, after_consonant: str, after_vowel: str, rest: str, vowel: bool) -> dict[str, object]:
    choices = [f"{form} {rest}" for form in (after_consonant, after_vowel)]
    return {"noun": noun, "choices": choices, "answer": int(vowel), "particle": f"{after_consonant}/{after_vowel}"}


def order() -> EvaluationTask:
    draw = random.Random("ko-order")
    items = []
    for sentence in SENTENCES:
        *words, verb = sentence.rstrip(".").split()
        place = draw.randrange(len(words))
        items.append({"choices": [sentence, " ".join([*words[:place], verb, *words[place:]]) + "."], "answer": 0})
    return make_task(items, name="ko-order", language="ko", input="", output="{answer}")
