"""Which cells of a lesson become slides, and what becomes their speaker notes.

The notebook itself decides, so that a rewritten lesson gets rewritten slides:

    a heading (# or ##)               a slide with the first sentences below it, a list and displayed formulas
    a stored figure                   a slide of its own, under the section's name
    "Predict, then run"               a slide with the question, from the text or from the stored output
    claims that passed (✓) and =      a slide "Measured" at the end of their section
    "Does it transfer?", a summary    a slide with the whole text

Everything else is prose, which becomes the notes of the slide it follows. Left out: code, tables and
widgets, which the lesson itself shows better.
"""

import re
from dataclasses import dataclass, field

HEADING = re.compile(r"^(#{1,2}) (.+)$", re.MULTILINE)
PREDICT = re.compile(r"\bPredict, then \w+[.:]")
ASKED = re.compile(r"^\S+ (.+) No guess yet\.$", re.MULTILINE)  # what Prediction.answer prints
WHOLE = re.compile(r"does it transfer|what to keep|summary|in five lines|when to use", re.IGNORECASE)
LEFT_OUT = re.compile(r"^(\d+ · )?(exercises|references|appendix)\b", re.IGNORECASE)
EQUATION = re.compile(r"\$\$.+?\$\$", re.DOTALL)
ITEM = re.compile(r"^(?:[-*]|\d+\.) ")
STATED = re.compile(r"^(?:✓|=|✗) .+$", re.MULTILINE)
GUESS = re.compile(
    r"\(?Write [^.]*`\w+\.answer\([^`]*`[^.)]*[.)]+"
)  # an instruction for those who run the lesson
REFERENCES = re.compile(r"^(?:#+ |\*\*)(?:References|Further reading)\b", re.MULTILINE)
MOST_ITEMS, MOST_STATED = 6, 5
LONGEST_TEXT = 800  # characters of a whole text on one slide
LONGEST_LEAD = 330  # characters of the first sentences; a longer one stays in the notes
SENTENCE = re.compile(r".+?[.!?](?:\*{1,2})?(?=\s|$)")


@dataclass
class Slide:
    """kind is title, section, figure, predict, measured or text; body is Markdown, image base64 PNG."""

    kind: str
    title: str
    body: str = ""
    image: str = ""
    alt: str = ""
    notes: list = field(default_factory=list)


def lead(text):
    """As many first sentences of the first plain paragraph as a slide has room for, or ""."""
    for paragraph in re.split(r"\n\s*\n", text):
        plain = " ".join(paragraph.split())
        if not plain or re.match(r"[>|#`!-]|\$\$|\d+\. |\*[^*]", plain):
            continue
        taken = ""
        for sentence in SENTENCE.findall(plain):
            # An abbreviation inside bold or a formula must not cut it in two.
            if len(taken) + len(sentence) > LONGEST_LEAD:
                break
            taken += sentence
        while taken and (taken.count("**") % 2 or taken.count("$") % 2 or taken.count("`") % 2):
            taken = "".join(SENTENCE.findall(taken)[:-1])
        return taken.strip()
    return ""


def items(text):
    """The first list of the text, as Markdown, if it is short enough for a slide."""
    blocks = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.strip().split("\n")
        if ITEM.match(lines[0]):
            blocks.append("\n".join(lines))
            if sum(bool(ITEM.match(line)) for line in lines) > MOST_ITEMS:
                return ""
        elif blocks:
            break
    return "\n".join(blocks)


def essence(text):
    """What of a section's text stands on its slide: first sentences, displayed formulas, a short list."""
    parts = [lead(text), *EQUATION.findall(text)[:2], items(text)]
    return "\n\n".join(part for part in parts if part)


def sections(source):
    """[(level, title, text)] of a Markdown cell; the text before a heading has level 0 and no title."""
    # Fenced code may hold lines that begin with #.
    masked = re.sub(r"^```.*?^```", lambda m: m[0].replace("#", "\0"), source, flags=re.M | re.S)
    marks = list(HEADING.finditer(masked))
    starts = [mark.start() for mark in marks] + [len(source)]
    parts = [(0, "", source[: starts[0]].strip())]
    for mark, end in zip(marks, starts[1:]):
        parts.append((len(mark[1]), mark[2].strip(), source[mark.end() : end].strip()))
    return [part for part in parts if part[0] or part[2]]


def blocks(text):
    """The text cut where a box, a bold beginning or a small heading starts, and where a box ends."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", text):
        if parts and not re.match(r">|\*\*|#", paragraph) and not parts[-1].startswith(">"):
            parts[-1] += "\n\n" + paragraph
        elif paragraph.strip():
            parts.append(paragraph)
    return parts


def pages(text):
    """A text as parts that fit a slide each, cut between list items or paragraphs; no references."""
    text = REFERENCES.split(text)[0].strip()
    parts = [""]
    for piece in re.split(r"\n(?=[-*] |\d+\. )|\n\s*\n", text):
        if parts[-1] and len(parts[-1]) + len(piece) > LONGEST_TEXT:
            parts.append("")
        gap = "\n" if ITEM.match(piece) else "\n\n"
        parts[-1] += (gap if parts[-1] else "") + piece
    return parts


class Deck:
    """The slides of one lesson, in order; claims of a section wait until it ends."""

    def __init__(self):
        self.slides, self.stated, self.section, self.silent = [], [], "", False

    def add(self, kind, title, **parts):
        self.slides.append(Slide(kind, title, **parts))

    def note(self, text):
        if self.slides and text:
            self.slides[-1].notes.append(text)

    def end_section(self):
        for start in range(0, len(self.stated), MOST_STATED):
            lines = self.stated[start : start + MOST_STATED]
            self.add("measured", self.section, body="\n".join(f"- {line}" for line in lines))
        self.stated = []

    def whole(self, title, text):
        for part in pages(text):
            self.add("text", title, body=part)

    def head(self, level, title, text):
        self.end_section()
        self.section, self.silent = title, bool(LEFT_OUT.match(title))
        if level == 1 and not self.slides:
            self.add("title", title, body=lead(text))
        elif self.silent:
            return
        elif WHOLE.search(title):
            self.whole(title, text)
            return
        else:
            self.add("section", title, body=essence(text))
        self.prose(text)

    def prose(self, text):
        """Notes, except for boxes and questions, which become slides."""
        for paragraph in blocks(text):
            if match := PREDICT.search(paragraph):
                self.note(paragraph[: match.start()].strip("*> \n"))
                question = GUESS.sub("", re.sub(r"^\*\*", "", paragraph[match.end() :])).strip()
                bold = "**" * (question.count("**") % 2)
                self.add("predict", "Predict", body=bold + question)
            elif WHOLE.search(paragraph.split("\n")[0]) and re.match(r">|\*\*|#", paragraph):
                box = re.sub(r"(?m)^> ?", "", paragraph)
                title = WHOLE.search(box)[0]
                body = re.sub(rf"^[*#\s]*{re.escape(title)}[?.:]*(?:\*\*)?\s*", "", box, count=1)
                self.whole(title[0].upper() + title[1:] + "?" * title.lower().startswith("does"), body)
            else:
                self.note(paragraph)

    def outputs(self, cell):
        for output in cell.get("outputs", []):
            printed = output.get("text", "")
            self.stated += STATED.findall(printed)
            if (asked := ASKED.search(printed)) and self.slides[-1:] and self.slides[-1].kind == "predict":
                self.slides[-1].body = self.slides[-1].body or asked[1]
            if image := output.get("data", {}).get("image/png"):
                alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
                self.add("figure", self.section, image=image.replace("\n", ""), alt=alt)


def deck(notebook):
    """[Slide] of a lesson (an nbformat notebook with stored outputs)."""
    result = Deck()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for level, title, text in sections(cell.source):
                if level:
                    result.head(level, title, text)
                elif not result.silent:
                    result.prose(text)
        elif cell.cell_type == "code" and not result.silent:
            result.outputs(cell)
    result.end_section()
    return [slide for slide in result.slides if slide.kind != "predict" or slide.body]
