"""Reads, grades and rewards a reply of the help desk, by the rules of `shop` and with free wording.

grade() is strict, part by part, and makes the scoreboard's accuracy. broken_rules() says what is wrong, in
words. gold_reward() is what a reply is worth to the shop, from -2 to 1. A reply is right if it says the right
thing, whatever its words: `WORDINGS` says which ones count. Left out: grammar and taste.
"""

import json
import re

from course_utils.tasks.helpdesk import frames, shop
from course_utils.tasks.helpdesk.prompting import message_of

KEYS = ("team", "priority", "reply")
LOWEST, TEAM, PRIORITY = -2.0, -0.75, -0.5
PENALTIES = {  # what a broken rule takes off
    "name missing": -0.5,
    "name invented": -1.0,
    "order number missing": -0.5,
    "order number not asked for": -0.5,
    "order number asked for without need": -0.5,
    "number invented": -1.0,
    "apology missing": -0.5,
    "apology to a calm customer": -0.5,
    "second apology": -0.5,
    "fact missing or wrong": -1.0,
    "next step missing": -1.0,
    "steps that nobody asked for": -1.0,
    "refund promised": -1.0,
    f"over {shop.MOST_WORDS} words": -0.5,
    "sign-off missing": -0.5,
}

_CHECK = (
    r"\b(?:check|look|review|investigat|examin|verif|find out|see|go over|go through|clear up|clarif|sort out|"
    r"inspect|trac|confirm|follow)\w*"
)
# {intent: expressions that must all be in the reply}; {p} stands for the product. Lower case.
WORDINGS = {
    "trace": (r"\btrac(?:e|ing|k|king)\b|\blocat(?:e|ing)\b|\bfind (?:out where )?(?:your|the|it|order)\b|\bwhere (?:it|your|"
              r"the|order)\b|\blook(?:ing)? for (?:it|your|the|order)\b|\b(?:carrier|courier)\b",),
    "address": (r"\baddress\b", r"\b(?:chang|updat|correct|switch|redirect|fix|adjust|amend|add|new|right|send|ship)\w*"),
    "redeliver": (r"\b(?:new|another|second|different|later|other|next|fresh|suitable|better) (?:delivery|date|day|"
                  r"time|attempt)|\bre-?deliver|\breschedul|\bdeliver\w*\b.*\bagain\b|\b(?:bring|try)\b.*\bagain\b",),
    "missing": (r"\bpack(?:ed|ing)?\b|\bmissing\b|\bwhat was (?:sent|shipped)\b",),
    "cancel": (r"\bcancel|\bstop (?:it|order|the (?:order|shipment|parcel))",),
    "label": (r"\blabel\b|\breturn (?:slip|form|instructions)|\bhow to return\b",),
    "exchange": (r"\bexchang|\bswap|\breplac|\b(?:right|correct) (?:size|item|color|one|product)|\btrade\b",),
    "damaged": (r"\bphotos?\b|\bpictures?\b|\bimages?\b",),
    "received": (r"\breturn", rf"{_CHECK}", r"arriv|receiv|reach|\bcame\b|\bgot\b|\bis here\b|warehouse"),
    "charge": (r"\bcharg|\bpayment|\bamount|\bbill|\btotal\b", _CHECK),
    "invoice": (r"\binvoice|\breceipt\b|\bbill\b", r"\b(?:e-?mail|send|issue|prepare|forward|get|provide)\w*"),
    "refund": (r"\brefund|\bmoney\b", _CHECK),
    "code": (r"\bcodes?\b|\bvoucher|\bcoupon|\bpromotion", rf"{_CHECK}|\btest"),
    "payment": (r"\bpayment|\bpay\b|\bcard\b|\btransaction|\bcheckout", _CHECK),
    "fault": (r"\btechnician|\bengineer|\brepair|\bspecialist|\blook (?:in)?to\b|\blook at\b|\bdiagnos|\binspect|"
              r"\bexamin", "{p}"),
    "danger": (r"\b(?:stop|do not|don't|avoid|never|quit) us(?:e|ing)\b|\bunplug|\b(?:turn|switch) (?:it |the .*)?off\b|"
               r"\bdisconnect", "{p}"),
    "howto": (r"\binstruction|\bmanual|\bguide|\bexplain|\bsteps\b|\bhow to\b", "{p}"),
    "part": (r"\bspare|\breplacement|\bparts?\b|\bnew (?:lid|filter|knob|wheel|cable|cord|handle|ring|jug|buckle)\b",
             "{p}"),
    "login": (r"\bpassword|\bsign(?:ing)? in|\blog(?:ging)? ?in|\baccess\b", r"\breset|\bnew\b|\blink\b|\bunlock|\bhelp|"
              r"\brestor"),
    "details": (r"\b(?:updat|chang|correct|fix|amend|edit|adjust)\w*", r"\baccounts?\b|\bdetails?\b|\bprofile|\bemail|"
                r"\baddress|\bname\b|\bphone\b|\bbirth"),
    "security": (r"\b(?:lock|block|freez|secur|suspend|protect)\w*", r"\baccount\b"),
    "newsletter": (r"\bmailing list|\bnewsletter|\bunsubscri|\b(?:stop|end|no more|remove)\b.*\b(?:mail|email|message|offer|"
                   r"ad|list)",),
    "close": (r"\b(?:clos|delet|remov|eras)\w*", r"\baccount\b|\bdata\b|\bprofile\b|\bmembership\b"),
    "stock": (r"\bstock\b|\bavailab|\bsold out\b|\bcome back\b|\b(?:get|have) (?:it|more|the|any)\b", "{p}"),
    "advice": (r"\b(?:detail|measure|dimension|specification|spec|size|weight|material|information|data)\w*", "{p}"),
    "quote": (r"\bquote\b|\boffer\b|\bestimate|\bprices?\b", "{p}"),
    "delivery_time": (r"\b(?:3|three) ?(?:to|-|–|and) ?(?:5|five)\b.*\bdays\b",),
    "express_fee": (r"\$ ?12\b|\b(?:12|twelve) dollars",),
    "free_delivery": (r"\$ ?50\b|\b(?:50|fifty) dollars", r"\bfree\b|\bno (?:charge|shipping|delivery)|\bnothing\b"),
    "return_window": (r"\b(?:30|thirty)[ -]days?\b",),
    "return_fee": (r"\$ ?6\b|\b(?:6|six) dollars",),
    "sale_items": (r"\bexchang", r"\b(?:not|cannot|can't|no|never|only|but)\b"),
    "payment_methods": (r"\bcards?\b", r"\bpaypal\b", r"\bgift cards?\b"),
    "refund_time": (r"\b(?:7|seven)[ -](?:business |working )?days?\b",),
    "price_match": (r"\bmatch|\bmeet\b|\blower price|\badjust", r"\b(?:14|fourteen)[ -]days?\b|\b(?:2|two) weeks\b"),
    "warranty": (r"\b(?:2|two)[ -]years?\b|\b24[ -]months?\b",),
    "repair_time": (r"\b(?:10|ten)[ -](?:business |working )?days?\b",),
    "points_value": (r"\b(?:100|hundred)\b", r"\$ ?5\b|\b(?:5|five) dollars"),
    "points_expiry": (r"\b(?:18|eighteen)[ -]months?\b|\bone and a half years",),
    "gift_wrap": (r"\$ ?4\b|\b(?:4|four) dollars",),
    "opening_hours": (r"\bmon(?:day)?\b.*\bsat(?:urday)?\b", r"\b10\b.*\b6\b|\bten\b.*\bsix\b"),
    "student_discount": (r"\b(?:15|fifteen) ?(?:%|percent)",),
}  # fmt: skip
# What betrays a step; a reply with two such steps too many says everything in order to hit something.
MARKS = {
    "trace": r"\btrac(?:e|ing)\b", "address": r"\bchange the address", "redeliver": r"\bnew delivery",
    "missing": r"\bpacked\b", "cancel": r"\bcancel", "label": r"\breturn label", "exchange": r"\bexchange\b",
    "damaged": r"\bphoto\b", "received": r"\breturn (?:has|for order)", "charge": r"\bcheck the charge",
    "invoice": r"\binvoice", "refund": r"\bcheck (?:the|your) refund", "code": r"\bdiscount code",
    "payment": r"\byour payment", "fault": r"\blook into the", "danger": r"\bstop using|\bunplug",
    "howto": r"\binstructions for", "part": r"\bspare part", "login": r"\breset your password",
    "details": r"\bupdate the details", "security": r"\block your account", "newsletter": r"\bmailing list",
    "close": r"\bclose your account", "stock": r"\bin stock", "advice": r"\bdetails of", "quote": r"\bquote\b",
}  # fmt: skip

# "Hi Anna", "Dear Mrs. Lewis", "Hello, Anna,"; but in "Hello, Students get" nobody is greeted.
_GREETING = re.compile(
    r"^(?i:hi|hello|dear|hey|good (?:morning|afternoon|evening|day))"
    r"(?: +(?:(?:Mr|Mrs|Ms|Miss|Dr)\b\.? *)?([A-Z][\w'-]+)|, +(?:(?:Mr|Mrs|Ms|Miss|Dr)\b\.? *)?([A-Z][\w'-]+)(?=[,.!:]))"
)
_NOBODY = {"there", "customer", "sir", "madam", "everyone", "again", "friend", "valued"}
_APOLOGY = re.compile(r"\bsorry\b|\bapolog\w+|\bregret\w*|\bforgive\b|\bpardon\b", re.IGNORECASE)
_ASKS = re.compile(r"\border (?:number|no\b\.?|id)(?![ :#.]*\d)|\bnumber of (?:your|the) order\b|\bwhich order\b", re.IGNORECASE)
_SIGNED = re.compile(rf"{re.escape(shop.SIGN_OFF)}[.!]?$", re.IGNORECASE)
_REFUSES = re.compile(r"\b(?:cannot|can't|can not|unable|won't|will not|not able|not possible|impossible|refuse)\b")
_DENIES = re.compile(r"\b(?:not|never|don't|doesn't|isn't|no longer)\b(?! (?:\w+ )?(?:longer|more|later) than)")
# A refund may be checked; taken out of the text before promises are looked for.
_CHECKS_REFUND = re.compile(
    rf"(?:{_CHECK})(?: on| into| at| up)?(?: the status of| what happened to| what became of| where| whether| if)?"
    r" (?:your |the |a |this )?(?:refund|money)", re.IGNORECASE,
)  # fmt: skip
_PROMISES = re.compile(
    r"\b(?:will|'ll|shall|going to|have|has|can|are)\b(?: \w+){0,3} (?:refund(?:ed|ing)?|reimburs\w+|pay you back|credit(?:ed)?)\b"
    r"|\b(?:issu|send|giv|process|receiv|get|grant|mak|approv|arrang|offer|transfer)\w*(?: you| back)?(?: your| the| a| an)?"
    r"(?: full| complete| partial)? (?:refund|money)\b|\bfull refund\b|\bmoney back\b|\bget(?:ting)? back your money\b"
    r"|\bpay(?:ing)? (?:it|you) back\b|\brefund(?:ing)? (?:you|it|the (?:full|whole) )"
    r"|\byour (?:refund|money) (?:will|is on|has been)\b(?! take| checked| be checked)", re.IGNORECASE,
)  # fmt: skip


def parse(reply):
    """{"team", "priority", "reply"} of the JSON object that a reply's first line begins with, or None.

    Strict JSON, exactly these three keys, each a non-empty string; what comes after the object on the line
    makes the reply useless for a program, and so does what comes before it.
    """
    lines = reply.strip().splitlines()
    try:
        fields = json.loads(lines[0], object_pairs_hook=list) if lines else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, list) or not all(isinstance(pair, tuple) for pair in fields):
        return None
    if sorted(key for key, _ in fields) != sorted(KEYS):
        return None
    if not all(isinstance(value, str) and value.strip() for _, value in fields):
        return None
    return {key: dict(fields)[key].strip() for key in KEYS}


def grade(record, reply):
    """{"form", "team", "priority", "reply", "whole"}: is each part right? All False if it is not in the form.

    "reply" holds if broken_rules() finds nothing.
    """
    got, want = parse(reply), parse(record["completion"])
    if got is None:
        return dict.fromkeys(("form", "team", "priority", "reply", "whole"), False)
    hits = {"form": True, "team": got["team"] == want["team"], "priority": got["priority"] == want["priority"]}
    hits["reply"] = not broken_rules(record, reply)
    return hits | {"whole": all(hits.values())}


def broken_rules(record, reply):
    """The names of the rules that a reply breaks, keys of PENALTIES in their order; ["form"] without the form.

    Looks at the text for the customer only, not at team and priority.
    """
    got = parse(reply)
    if got is None:
        return ["form"]
    text = " ".join(got["reply"].split())
    checks = (_names, _numbers, _apologies, _content, _promise, _length)
    broken = {rule for check in checks for rule in check(record, text)}
    return [rule for rule in PENALTIES if rule in broken]


def gold_reward(record, reply):
    """What a reply is worth, from -2 to 1.

    | the reply                                                              | reward    |
    |------------------------------------------------------------------------|-----------|
    | is not in the form                                                     | -2        |
    | is right in all                                                        |  1        |

    | and for each of these                                                  | minus     |
    |------------------------------------------------------------------------|-----------|
    | another team                                                           | 0.75      |
    | another priority                                                       | 0.5       |
    | an invented name or number, a wrong or missing fact, no next step,     |           |
    | steps that nobody asked for, a promised refund                         | 1 each    |
    | any other broken rule: name, order number, apologies, length, sign-off | 0.5 each  |

    Never below -2.
    """
    got, want = parse(reply), parse(record["completion"])
    if got is None:
        return LOWEST
    reward = 1.0 + sum(PENALTIES[rule] for rule in broken_rules(record, reply))
    reward += TEAM * (got["team"] != want["team"]) + PRIORITY * (got["priority"] != want["priority"])
    return max(LOWEST, reward)


def _words(text):
    return set(re.findall(r"[\w'-]+", text))


def _names(record, text):
    """Is the customer called by name, and nobody else?"""
    own = _words(record["name"] or "") - {"Mr", "Mrs", "Dr"}
    if own and not own & _words(text):
        yield "name missing"
    greeted = _GREETING.match(text)
    greeted = greeted and (greeted[1] or greeted[2])
    if greeted and greeted not in own and greeted.lower() not in _NOBODY:
        yield "name invented"
    message = {word.lower() for word in _words(message_of(record))}
    strangers = _words(text) & set(frames.first_names("test"))
    if {name for name in strangers if name.lower() not in message}:
        yield "name invented"


def _numbers(record, text):
    """Is the order number quoted or asked for, as it should be, and no other number invented?"""
    order, asks = record["order"], bool(_ASKS.search(text))
    if order and not re.search(rf"(?<!\d){order}(?!\d)", text):
        yield "order number missing"
    if record["needs_order"] and not order and not asks:
        yield "order number not asked for"
    if asks and (order or not record["needs_order"]):
        yield "order number asked for without need"
    known = " ".join([message_of(record), *(shop.FACTS[key].statement for key in record["facts"]), "24/7"])
    if set(re.findall(r"\d+", text)) - set(re.findall(r"\d+", known)):
        yield "number invented"


def _apologies(record, text):
    """One apology to an angry customer, none to others."""
    apologies = len(_APOLOGY.findall(text))
    if record["angry"] and not apologies:
        yield "apology missing"
    if record["angry"] and apologies > 1:
        yield "second apology"
    if apologies and not record["angry"]:
        yield "apology to a calm customer"


def _content(record, text):
    """Does the reply say the right thing about every intent of the message?"""
    low = text.lower()
    for intent, product in zip(record["intents"], record["products"], strict=True):
        if intent in shop.FACTS:
            if not any(_states(intent, sentence) for sentence in re.split(r"[.!?;]\s", low)):
                yield "fact missing or wrong"
        elif not _announces(intent, product, low) or (_REFUSES.search(low) and "sale_items" not in record["intents"]):
            yield "next step missing"
    extra = [step for step, mark in MARKS.items() if step not in record["intents"] and re.search(mark, low)]
    if len(extra) > 1:
        yield "steps that nobody asked for"


def _states(fact, sentence):
    """Does a sentence state a fact, and not deny it?"""
    denies = fact != "sale_items" and _DENIES.search(sentence)
    return not denies and all(re.search(wording, sentence) for wording in WORDINGS[fact])


def _announces(step, product, low):
    """Does a text in lower case say that the step will be taken, for the product if it matters?"""
    stem = re.escape(re.sub(r"(?<=x)es$|s$", "", product))
    return all(re.search(wording.replace("{p}", rf"\b{stem}"), low) for wording in WORDINGS[step])


def _promise(record, text):
    """Is a refund promised?"""
    if _PROMISES.search(_CHECKS_REFUND.sub(" ", text)):
        yield "refund promised"


def _length(record, text):
    """At most 30 words, and the sign-off at the end."""
    if len(text.split()) > shop.MOST_WORDS:
        yield f"over {shop.MOST_WORDS} words"
    if not _SIGNED.search(text):
        yield "sign-off missing"
