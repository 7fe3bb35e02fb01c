"""[grader] Makes harmless what a submission wrote in markdown, HTML and TeX.

Markdown is read differently by every program that shows it. So nothing here depends on reading it
right: an invisible character is put where a tag, a link, a picture, an entity or a word of TeX
would begin that is not known to be harmless, also inside code. There it changes nothing one sees;
elsewhere the text is shown as it was written. HTML is rewritten, with the tags that shape text
and no attributes but checked addresses and sizes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from urllib.parse import unquote

from skipgrade.judging.pages.math_words import WORDS

BREAK = "\u200b"  # no width; in no syntax part of a name, an address or a tag
LONGEST = 20_000  # characters of markdown, pictures apart; parsers need minutes for long oddities
LONGEST_HTML = 2**21
DEEPEST = 40

_SHAPING = """
a b br caption code dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd
li ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr tt u ul var
"""
_TAGS = frozenset(_SHAPING.split())
_EMPTY = frozenset({"br", "hr", "img"})
_UNSEEN = frozenset({"script", "style"})  # what they hold is not text
_BARE = "b|br|code|del|details|em|i|ins|kbd|s|small|strong|sub|summary|sup|u"

_WORD = r"\\(?P<word>[A-Za-z]+)"
_ROOM = (  # after a row of a formula, when it is more than a little
    r"(?P<room>\\\\\*?)(?=\s*\[\s*[-+.,\d])"
    r"(?!\s*\[(?:\d(?:\.\d+)?(?:em|ex)|1?\d(?:\.\d+)?(?:pt|px|mu))\])"
)
_TEX = re.compile(f"{_WORD}|{_ROOM}")
_PICTURE = (
    r"!\[(?P<alt>[^\[\]`\\<>$&!\n]*)\]"
    r"\((?:attachment:(?P<name>[^()\s<>&\\]+)"
    r"|(?P<data>data:image/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/]+={0,2}))"
    r"(?:[ \t][^()\n<>]*)?\)"
)
_MARKDOWN = re.compile(
    "|".join(
        [
            _PICTURE,
            r"!\[(?P<lost>[\w .,-]*)\]\(data:[^()\s<>]*\)",
            r"\[!\[(?P<badge>[\w .,-]*)\]\([^()\s<>]*\)\](?=\(https?://[^()\s<>\\&]*\))",
            rf"(?P<tag></?(?:{_BARE})\s?/?>)",
            r"<(?P<address>https?://[^\s<>\[\]\\`$&]+)>",
            r"(?P<before>!(?=\[)"  # a picture from elsewhere becomes a link to it
            r"|<(?=[A-Za-z/!?])"
            r"|\](?=:)"
            r"|\](?=\()(?!\(\s*<?(?:https?://|mailto:|\#))"
            r"|&(?=\#|bsol|dollar)"
            r"|[`~]{3}[ \t]*(?=mermaid))",
            _WORD,
            _ROOM,
        ]
    ),
    re.IGNORECASE,
)
_CODE = re.compile(
    r"^(?P<fence>[ >]*(?P<mark>`{3,}|~{3,}))[ \t]*[\w+-]+[ \t]*\n(?P<code>.*?^[ >]*(?P=mark))",
    re.DOTALL | re.MULTILINE,
)
_HTML_PICTURE = re.compile(
    r"""<img\s(?:[^<>]*?\s)?src\s*=\s*["']((?:attachment:|data:image/)[^"'<>\s()]+)["'][^<>]*>""",
    re.IGNORECASE,
)
_PICTURE_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}")
_LINK = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x20]+|#[\w-]*", re.IGNORECASE)
_TAG_BEGINS = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)|<[!?]")


def clean_text(value: object) -> str:
    """Text without what no file can hold or no page show; nothing for what is not text."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode().replace("\x00", "")


def safe_tex(text: str) -> str:
    """Text in which MathJax finds no word but those of `WORDS`."""
    return _TEX.sub(_broken, text)


def safe_markdown(text: str, pictures: Mapping[str, str] | None = None) -> str:
    """Markdown that runs nothing, loads nothing and links to web addresses only.

    `pictures` names the attachments there are, and what each is called now.
    """
    text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text.replace("\r\n", "\n"))
    text = _HTML_PICTURE.sub(r"![](\1)", text)
    known = pictures or {}
    shown = 0

    def replace(found: re.Match[str]) -> str:
        nonlocal shown
        if found["data"] or found["name"]:
            shown += len(found[0])
            return _picture(found, known)
        if found["tag"]:
            return found["tag"]
        if found["badge"]:
            return f"[{found['badge']}]"
        if found["lost"] is not None:
            return _no_picture(found["lost"])
        return f"{BREAK}{found['address']} " if found["address"] else _broken(found)

    safe = _MARKDOWN.sub(replace, text)
    return _CODE.sub(_uncoloured, safe) if len(text) - shown <= LONGEST else _as_it_is(text)


def _uncoloured(found: re.Match[str]) -> str:
    """A block of code with a break in it, which a lexer would show as a mistake."""
    return f"{found['fence']}\n{found['code']}" if BREAK in found["code"] else found[0]


def _picture(found: re.Match[str], known: Mapping[str, str]) -> str:
    name = found["name"]
    if name is None:
        return f"![{found['alt']}]({found['data']})"
    now = known.get(name) or known.get(unquote(name))
    return f"![{found['alt']}](attachment:{now})" if now else _no_picture(found["alt"])


def _no_picture(alt: str) -> str:
    return f"{BREAK}({alt or 'a picture'}: not shown)"


def _broken(found: re.Match[str]) -> str:
    if word := found["word"]:
        return found[0] if word in WORDS else f"\\{BREAK}{word}"
    return found[0] + BREAK


def _as_it_is(text: str) -> str:
    """Text that is not to be read as markdown, as far as one reads on."""
    lines = text[: 5 * LONGEST].splitlines()
    return "\n".join(
        ["Too long to be formatted:", "", *(f"    {_no_tags(line)}" for line in lines)]
    )


def _no_tags(line: str) -> str:
    return re.sub(r"[<&\\\]!](?=\S)", lambda found: found[0] + BREAK, line)


def safe_html(text: str) -> str:
    """HTML rewritten: balanced, text and tables and pictures, nothing that runs or loads."""
    if len(text) > LONGEST_HTML:
        return f"<p>(not shown: HTML of {len(text):,} characters)</p>"
    return _Writer(text).written()


class _Writer:
    """Reads HTML leniently, in time proportional to its length, and writes what is allowed."""

    def __init__(self, text: str) -> None:
        self._source, self._lower = text, text.lower()
        self._out: list[str] = []
        self._text: list[str] = []  # since the last tag that was kept: words may not join unseen
        self._open: list[str] = []

    def written(self) -> str:
        place = 0
        while place < len(self._source):
            begin = self._source.find("<", place)
            if begin < 0:
                break
            self._text.append(self._source[place:begin])
            place = self._markup(begin)
        self._text.append(self._source[place:])
        self._flush()
        self._out += [f"</{tag}>" for tag in reversed(self._open)]
        return "".join(self._out)

    def _markup(self, begin: int) -> int:
        """Deal with what begins with '<' there; says where it ends."""
        found = _TAG_BEGINS.match(self._source, begin)
        if found is None:
            self._text.append("<")
            return begin + 1
        comment = self._source.startswith("<!--", begin)
        end = self._source.find("-->" if comment else ">", begin + 2)
        if end < 0:
            return len(self._source)
        if comment:
            return end + 3
        closing, tag = found[1], (found[2] or "").lower()
        if tag in _UNSEEN and not closing:
            over = self._lower.find(f"</{tag}", end)
            return over if over >= 0 else len(self._source)
        if tag in _TAGS:
            self._tag(tag, bool(closing), self._source[found.end() : end])
        return end + 1

    def _tag(self, tag: str, closing: bool, attributes: str) -> None:
        if closing:
            if tag in self._open:
                self._flush()
                while (last := self._open.pop()) != tag:
                    self._out.append(f"</{last}>")
                self._out.append(f"</{tag}>")
        elif tag in _EMPTY:
            self._flush()
            self._out.append(_empty_tag(tag, attributes))
        elif len(self._open) < DEEPEST:
            self._flush()
            self._out.append(f"<{tag}{_kept_attributes(tag, attributes)}>")
            self._open.append(tag)

    def _flush(self) -> None:
        text, self._text = "".join(self._text), []
        self._out.append(html.escape(safe_tex(html.unescape(text)), quote=False))


def _empty_tag(tag: str, attributes: str) -> str:
    if tag != "img":
        return f"<{tag}>"
    alt = html.escape(safe_tex(_attribute(attributes, "alt")))
    source = re.sub(r"\s", "", _attribute(attributes, "src"))
    if not _PICTURE_DATA.fullmatch(source):
        return alt
    sizes = _sizes(attributes, ("width", "height"), 2000)
    return f'<img src="{source}" alt="{alt}"{sizes}>'


def _kept_attributes(tag: str, attributes: str) -> str:
    if tag in ("td", "th"):
        return _sizes(attributes, ("colspan", "rowspan"), 100)
    address = _attribute(attributes, "href").strip() if tag == "a" else ""
    if _LINK.fullmatch(address):
        return f' href="{html.escape(address)}" rel="noopener noreferrer"'
    return ""


def _sizes(attributes: str, names: tuple[str, ...], most: int) -> str:
    values = {name: _attribute(attributes, name) for name in names}
    return "".join(
        f' {name}="{int(value)}"'
        for name, value in values.items()
        if re.fullmatch(r"[0-9]{1,4}", value) and 0 < int(value) <= most
    )


def _attribute(attributes: str, name: str) -> str:
    found = re.search(
        rf"""(?:^|[\s"'/]){name}\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]*)""", attributes, re.IGNORECASE
    )
    return html.unescape(found[1].strip("\"'")) if found else ""
