"""Draw the proposed general arrangement of the ship and write it to portal/catalogue/facts/ship.json.

Run at development time only, from the root of the project: python scripts/draw_ship.py
Everything is in decimetres, seen from above with the bow to the right, so that the port side is the upper one.
"""

import json
from pathlib import Path
from typing import Any

TARGET = Path("portal/catalogue/facts/ship.json")

LENGTH, BEAM = 1411, 168
SIDE = 2  # thickness of the ship's side
FRAME = 31  # the pitch of the cabin grid, the same on all decks, so that bulkheads stand above each other
AFT_LOBBY, FORWARD_LOBBY, LOBBY_LENGTH = 381, 830, 46  # stairs and a lift, at the same place on all decks
EVEN, ODD = "port", "starboard"  # cabins of even numbers are on the port side

PROVENANCE = (
    "Published (two or more sources each): length 141.14 m, beam 16.82 m, four passenger decks, 310 passengers, "
    "155 cabins, cabins of 16-43 m², French or private balconies, cabins for guests with reduced mobility, two lifts, "
    "forward panorama lounge, restaurant, bars, pool, solarium, SPA and mini-golf "
    "(tourism.interfax.ru 87347, eadaily.com 2019-05-24, kommersant.ru 8160939, meb.com.ua 1035, vesti.ru 3150860). "
    "One source: 12 luxury cabins among the 155 (orient.tm), theatre-music salon and children's room (76.ru). "
    "Proposed (PROP), because no cabin plan of this ship has been published: the names of the decks, the categories, "
    "the numbers of the cabins and their spread over the decks, every position and size in the drawings, connecting "
    "doors, and which cabins are accessible; the proposal fits every published total. Areas include the balcony. "
    "The ship was renamed in early January 2024, the exact day was not published (paluba.media 67844, azernews.az "
    "220665): the names change at the turn of the year here. Turkmen names of decks and categories are translations."
)

NAMES = [
    {
        "name": {"ru": "Пётр Великий", "tk": "Beýik Pýotr", "en": "Peter the Great"},
        "from": None,
        "to": "2023-12-31",
    },
    {
        "name": {"ru": "Владимир Жириновский", "tk": "Wladimir Žirinowskiý", "en": "Vladimir Zhirinovsky"},
        "from": "2024-01-01",
        "to": None,
    },
]


def words(ru: str, tk: str, en: str) -> dict[str, str]:
    return {"ru": ru, "tk": tk, "en": en}


CATEGORIES = [
    {
        "code": "STF",
        "name": words("Стандарт, французский балкон", "Standart, fransuz balkonly", "Standard, French balcony"),
        "description": words(
            "Тихая каюта на главной палубе: окно от пола до потолка с французским балконом, двуспальная кровать, "
            "душ и всё необходимое для путешествия вдвоём.",
            "Baş palubadaky asuda kaýuta: poldan potologa çenli penjire we fransuz balkony, iki adamlyk krowat, "
            "duş we iki adamlyk syýahat üçin gerekli ähli zat.",
            "A quiet cabin on the main deck: a floor-to-ceiling window with a French balcony, a double bed, "
            "a shower and all that two travellers need.",
        ),
        "area_min": 16,
        "area_max": 18,
        "berths": 2,
        "extra_berths": 0,
        "balcony": "french",
    },
    {
        "code": "ACC",
        "name": words(
            "Стандарт доступный (для маломобильных гостей)",
            "Mümkinçiligi çäkli ýolagçylar üçin standart",
            "Accessible standard",
        ),
        "description": words(
            "Просторная каюта рядом с ресепшен: широкая дверь без порога, место для разворота коляски, "
            "душ с поручнями и сиденьем.",
            "Kabulhananyň ýanyndaky giň kaýuta: bosagasyz giň gapy, oturgyçly arabany öwrüp bolýan ýer, "
            "tutawaçly we oturgyçly duş.",
            "A spacious cabin next to the reception: a wide door without a threshold, room to turn a wheelchair, "
            "a shower with handrails and a seat.",
        ),
        "area_min": 20,
        "area_max": 20,
        "berths": 2,
        "extra_berths": 0,
        "balcony": "french",
    },
    {
        "code": "STB",
        "name": words("Стандарт с балконом", "Standart, balkonly", "Standard, balcony"),
        "description": words(
            "Каюта с собственным балконом на средней палубе: море прямо от кровати, рядом театр и SPA.",
            "Orta palubadaky şahsy balkonly kaýuta: krowatdan deňiz görünýär, teatr we SPA golaýda.",
            "A cabin with its own balcony on the middle deck: the sea right from your bed, theatre and SPA near by.",
        ),
        "area_min": 19,
        "area_max": 20,
        "berths": 2,
        "extra_berths": 0,
        "balcony": "private",
    },
    {
        "code": "JSB",
        "name": words("Полулюкс с балконом", "Ýarym lýuks, balkonly", "Junior suite, balcony"),
        "description": words(
            "Спальня с гостевой зоной, диван для третьего гостя и собственный балкон. Удобно семье с ребёнком.",
            "Myhman burçly ýatylýan otag, üçünji adam üçin diwan we şahsy balkon. Çagaly maşgala üçin amatly.",
            "A bedroom with a sitting area, a sofa for a third guest and a private balcony. Good for a family with "
            "a child.",
        ),
        "area_min": 25,
        "area_max": 28,
        "berths": 2,
        "extra_berths": 1,
        "balcony": "private",
    },
    {
        "code": "DLX",
        "name": words("Делюкс с балконом", "Delýuks, balkonly", "Deluxe, balcony"),
        "description": words(
            "Каюта на шлюпочной палубе, выше и просторнее стандарта, с креслами у окна и собственным балконом.",
            "Gaýyk palubasyndaky kaýuta: standartdan ýokarda we giň, penjire ýanynda kürsüler we şahsy balkon.",
            "A cabin on the boat deck, higher and roomier than the standard, with armchairs by the window and "
            "a private balcony.",
        ),
        "area_min": 21,
        "area_max": 22,
        "berths": 2,
        "extra_berths": 0,
        "balcony": "private",
    },
    {
        "code": "LUX",
        "name": words("Люкс", "Lýuks", "Suite"),
        "description": words(
            "Отдельная зона гостиной, большая ванная и широкий балкон; диван раскладывается для третьего гостя.",
            "Aýratyn myhman otagy, uly wanna otagy we giň balkon; diwan üçünji adam üçin açylýar.",
            "A separate sitting area, a large bathroom and a wide balcony; the sofa unfolds for a third guest.",
        ),
        "area_min": 34,
        "area_max": 34,
        "berths": 2,
        "extra_berths": 1,
        "balcony": "private",
    },
    {
        "code": "GLX",
        "name": words("Гранд-люкс", "Uly lýuks", "Grand suite"),
        "description": words(
            "Две самые большие каюты в корме: спальня, гостиная и терраса с видом на два борта.",
            "Gäminiň arka tarapyndaky iň uly iki kaýuta: ýatylýan otag, myhman otagy we iki tarapa görnüşli eýwan.",
            "The two largest cabins, at the stern: a bedroom, a living room and a terrace that looks two ways.",
        ),
        "area_min": 43,
        "area_max": 43,
        "berths": 2,
        "extra_berths": 1,
        "balcony": "terrace",
    },
]

# Neighbours with a door between them, for families and for a companion of a guest with reduced mobility.
CONNECTED = [
    ("233", "235"), ("234", "236"), ("319", "321"), ("320", "322"), ("345", "347"), ("346", "348"),
    ("417", "419"), ("418", "420"), ("435", "437"), ("436", "438"),
]  # fmt: skip


class Row:
    """One side of a deck, filled with cabins from the bow to the stern."""

    def __init__(self, deck: str, side: str, first: int, depth: int) -> None:
        self.deck, self.side, self.number, self.depth = deck, side, first, depth
        self.x = 0
        self.cabins: list[dict[str, Any]] = []

    def start(self, x: int) -> None:
        """The next cabin's forward bulkhead is at `x`."""
        self.x = x

    def add(self, category: str, count: int, width: int) -> None:
        grade = next(grade for grade in CATEGORIES if grade["code"] == category)
        for _ in range(count):
            self.x -= width
            self.cabins.append(
                {
                    "number": str(self.number),
                    "category": category,
                    "deck": self.deck,
                    "x": self.x,
                    "y": SIDE if self.side == EVEN else BEAM - SIDE - self.depth,
                    "w": width,
                    "h": self.depth,
                    "side": self.side,
                    "area": round(width * self.depth / 100),
                    "berths": grade["berths"],
                    "extra_berths": grade["extra_berths"],
                    "balcony": grade["balcony"],
                    "accessible": category == "ACC",
                    "connects_to": None,
                }
            )
            self.number += 2


def main_deck() -> list[dict[str, Any]]:
    cabins = []
    for side, first in ((ODD, 201), (EVEN, 202)):
        row = Row("main", side, first, 56)
        row.start(FORWARD_LOBBY + LOBBY_LENGTH + 11 * FRAME)
        row.add("STF", 11, FRAME)
        row.start(FORWARD_LOBBY)
        row.add("STF", 6, FRAME)
        row.add("ACC", 1, 36)
        cabins += row.cabins
    return cabins


def middle_deck() -> list[dict[str, Any]]:
    cabins = []
    for side, first in ((ODD, 301), (EVEN, 302)):
        row = Row("middle", side, first, 64)
        row.start(FORWARD_LOBBY + LOBBY_LENGTH + 11 * FRAME)
        row.add("STB", 11, FRAME)
        row.start(FORWARD_LOBBY)
        row.add("STB", 13, FRAME)
        row.start(AFT_LOBBY)
        row.add("STB", 3, FRAME)
        row.add("JSB", 3, 41)
        cabins += row.cabins
    return cabins


def boat_deck() -> list[dict[str, Any]]:
    cabins = []
    for side, first in ((ODD, 401), (EVEN, 402)):
        row = Row("boat", side, first, 70)
        row.start(FORWARD_LOBBY + LOBBY_LENGTH + 9 * FRAME + 2 * 38)
        row.add("JSB", 2, 38)
        row.add("DLX", 9, FRAME)
        # The port side has one cabin less: the children's room is in its place, beside the forward lobby.
        row.start(FORWARD_LOBBY if side == ODD else FORWARD_LOBBY - FRAME)
        row.add("DLX", 13 if side == ODD else 12, FRAME)
        row.start(AFT_LOBBY)
        row.add("LUX", 5, 48)
        row.add("GLX", 1, 62)
        cabins += row.cabins
    return cabins


def room(kind: str, x: int, y: int, w: int, h: int, name: dict[str, str], shape: str | None = None) -> dict[str, Any]:
    """`shape` is the path of a room that is not a rectangle; x, y, w, h are then where its name fits."""
    drawn: dict[str, Any] = {"kind": kind, "name": name, "x": x, "y": y, "w": w, "h": h}
    return drawn | ({"shape": shape} if shape else {})


def lobbies() -> list[dict[str, Any]]:
    """Stairs and a lift, twice, close to the middle line so that they come out well inside the sun deck."""
    rooms = []
    for x in (AFT_LOBBY, FORWARD_LOBBY):
        rooms.append(room("stairs", x + 4, 34, LOBBY_LENGTH - 8, 30, words("Лестница", "Basgançak", "Stairs")))
        rooms.append(room("lift", x + 11, 106, 24, 24, words("Лифт", "Lift", "Lift")))
    return rooms


def rounded(x: int, y: int, w: int, h: int, r: int) -> str:
    return (
        f"M{x + r} {y}h{w - 2 * r}a{r} {r} 0 0 1 {r} {r}v{h - 2 * r}a{r} {r} 0 0 1-{r} {r}h-{w - 2 * r}"
        f"a{r} {r} 0 0 1-{r}-{r}v-{h - 2 * r}a{r} {r} 0 0 1 {r}-{r}z"
    )


def table(x: int, y: int, radius: int = 5) -> str:
    return f"M{x - radius} {y}a{radius} {radius} 0 1 0 {2 * radius} 0a{radius} {radius} 0 1 0-{2 * radius} 0"


def lounger(x: int, y: int) -> str:
    return f"M{x} {y}h18v7h-18zm5 0v7"


def stairs(x: int) -> str:
    """The steps between the two flights of a staircase."""
    steps = "".join(f"M{step} 34v30" for step in range(x + 9, x + 40, 5))
    return f"{steps}M{x + 4} 49h38"


def lift(x: int) -> str:
    return f"M{x + 11} 106l24 24m0-24l-24 24"


BOTH_STAIRS = stairs(AFT_LOBBY) + stairs(FORWARD_LOBBY) + lift(AFT_LOBBY) + lift(FORWARD_LOBBY)

HULL = (
    "M24 0H1190C1290 0 1372 34 1409 80Q1411 84 1409 88C1372 134 1290 168 1190 168H24"
    "Q4 168 4 148V20Q4 0 24 0Z"
)  # fmt: skip
UPPER_HULL = (
    "M66 0H1232C1310 0 1362 40 1376 76Q1378 84 1376 92C1362 128 1310 168 1232 168H66"
    "Q46 168 46 148V20Q46 0 66 0Z"
)  # fmt: skip
FOREPART = (
    "M1221 5C1258 8 1280 16 1297 24V144C1280 152 1258 160 1221 163Z"  # where the hull narrows, forward of the cabins
)
SUN_OUTLINE = (
    "M96 0H1180C1236 0 1276 34 1286 76Q1288 84 1286 92C1276 134 1236 168 1180 168H96"
    "Q76 168 76 148V20Q76 0 96 0Z"
)  # fmt: skip


def decks() -> list[dict[str, Any]]:
    restaurant_tables = "".join(
        table(x, y) for x in range(128, 372, 26) for y in (20, 48, 120, 148) if not (x > 340 and y in (48, 120))
    )
    theatre_rows = "".join(
        f"M{x} {20 + bend}Q{x - 12} 84 {x} {148 - bend}" for bend, x in enumerate(range(84, 150, 11))
    )
    lounge_tables = "".join(
        table(x, y, 4)
        for x, ys in ((1262, (24, 144)), (1286, (30, 138)), (1308, (42, 126)), (1326, (60, 108)))
        for y in ys
    )
    return [
        {
            "code": "sun",
            "level": 5,
            "name": words("Солнечная палуба", "Güneşli paluba", "Sun deck"),
            "drawing": {
                "length": LENGTH,
                "beam": BEAM,
                "outline": SUN_OUTLINE,
                "details": BOTH_STAIRS
                + "".join(lounger(x, y) for x in range(96, 188, 26) for y in (12, 26, 136, 150))
                + "".join(lounger(x, y) for x in range(452, 640, 26) for y in (14, 147))
                + "".join(lounger(x, y) for x in range(1080, 1190, 26) for y in (14, 28, 134, 148))
                + "M236 30h88v20h-64v28h78M236 138h52v-24h60v20"
                + "".join(table(x, y, 4) for x in (694, 716, 738, 760) for y in (24, 144)),
                "rooms": [
                    room(
                        "solarium",
                        88,
                        46,
                        108,
                        76,
                        words("Солярий и гриль-бар", "Solýariý we gril-bar", "Solarium and grill bar"),
                    ),
                    room("minigolf", 212, 12, 156, 144, words("Мини-гольф", "Mini-golf", "Mini-golf")),
                    room(
                        "open_deck",
                        440,
                        28,
                        238,
                        24,
                        words("Тентовая палуба", "Saýawanly paluba", "Tent deck"),
                        rounded(440, 6, 238, 156, 4),
                    ),
                    room("pool", 502, 58, 104, 52, words("Бассейн", "Howuz", "Pool"), rounded(502, 58, 104, 52, 14)),
                    room("bar", 684, 46, 92, 76, words("Бар", "Bar", "Bar")),
                    room("open_deck", 892, 14, 148, 140, words("Прогулочная палуба", "Gezelenç palubasy", "Promenade")),
                    room(
                        "solarium", 1060, 46, 140, 76, words("Носовой солярий", "Öňdäki solýariý", "Forward solarium")
                    ),
                    *lobbies(),
                ],
            },
        },
        {
            "code": "boat",
            "level": 4,
            "name": words("Шлюпочная палуба", "Gaýyk palubasy", "Boat deck"),
            "drawing": {
                "length": LENGTH,
                "beam": BEAM,
                "outline": UPPER_HULL,
                "details": BOTH_STAIRS + lounge_tables,
                "rooms": [
                    room("open_deck", 50, 20, 29, 128, words("Кормовая терраса", "Arka eýwan", "Stern terrace")),
                    room(
                        "lounge",
                        1240,
                        40,
                        120,
                        88,
                        words("Панорамный салон", "Panorama salony", "Panorama lounge"),
                        "M1235 3H1240C1308 4 1358 42 1372 78Q1374 84 1372 90C1358 126 1308 164 1240 165H1235Z",
                    ),
                    room("kids", FORWARD_LOBBY - FRAME, SIDE, FRAME, 70, words("Детская", "Çaga otagy", "Kids")),
                    *lobbies(),
                ],
            },
        },
        {
            "code": "middle",
            "level": 3,
            "name": words("Средняя палуба", "Orta paluba", "Middle deck"),
            "drawing": {
                "length": LENGTH,
                "beam": BEAM,
                "outline": HULL,
                "details": BOTH_STAIRS + theatre_rows + "M24 56h24v56h-24",
                "rooms": [
                    room(
                        "theatre",
                        16,
                        4,
                        145,
                        160,
                        words("Театрально-музыкальный салон", "Teatr-saz salony", "Theatre and music salon"),
                        rounded(12, 6, 149, 156, 14),
                    ),
                    room("spa", 1221, 20, 72, 128, words("SPA", "SPA", "SPA"), FOREPART),
                    room("open_deck", 1304, 54, 66, 60, words("Бак", "Öň paluba", "Foredeck")),
                    *lobbies(),
                ],
            },
        },
        {
            "code": "main",
            "level": 2,
            "name": words("Главная палуба", "Baş paluba", "Main deck"),
            "drawing": {
                "length": LENGTH,
                "beam": BEAM,
                "outline": HULL,
                "details": BOTH_STAIRS + restaurant_tables + "M560 62q-22 22 0 44M18 40h84m-84 88h84",
                "rooms": [
                    room("service", 12, 8, 94, 152, words("Камбуз", "Aşhana", "Galley"), rounded(12, 6, 96, 156, 12)),
                    room("restaurant", 112, 4, 265, 160, words("Ресторан", "Restoran", "Restaurant")),
                    room("reception", 431, 4, 173, 160, words("Ресепшен", "Kabulhana", "Reception")),
                    room("service", 1221, 20, 72, 128, words("Служебные", "Gulluk otaglary", "Crew"), FOREPART),
                    *lobbies(),
                ],
            },
        },
    ]


def connect(cabins: list[dict[str, Any]]) -> None:
    by_number = {cabin["number"]: cabin for cabin in cabins}
    for one, other in CONNECTED:
        by_number[one]["connects_to"], by_number[other]["connects_to"] = other, one


def ship() -> dict[str, Any]:
    cabins = sorted(main_deck() + middle_deck() + boat_deck(), key=lambda cabin: cabin["number"])
    connect(cabins)
    return {
        "provenance": PROVENANCE,
        "names": NAMES,
        "code": "PV300VD",
        "length_m": 141.14,
        "beam_m": 16.82,
        "persons_limit": 310,
        "categories": [grade | {"order": order} for order, grade in enumerate(CATEGORIES, start=1)],
        "decks": decks(),
        "cabins": cabins,
    }


def written(value: dict[str, Any]) -> str:
    """JSON with one category, deck room or cabin a line, so that a change shows where it is."""
    lines = []
    for key, item in value.items():
        if isinstance(item, list):
            rows = ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in item)
            lines.append(f"  {json.dumps(key)}: [\n    {rows}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(item, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TARGET.write_text(written(ship()), encoding="utf-8")
