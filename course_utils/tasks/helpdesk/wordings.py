"""Which words count as saying what a reply must say: regular expressions for texts in lower case.

Of a list of expressions all must be found; {p} stands for the product. A reply deals with an intent if it
says what the shop says (SENTENCES), or what else would suit just this intent (WORDINGS); a fact must be
stated (WORDINGS). They are wide, so that a fair person's wording passes. MARKS are narrow: they betray what
a reply talks about.
"""


def _any(*forms):
    """An expression for any of these forms, each beginning at the start of a word."""
    return rf"\b(?:{'|'.join(forms)})"


CHECK = (
    _any("check", "look", "review", "investigat", "examin", "verif", "find out", "see", "go over",
         "go through", "clear up", "clarif", "sort out", "inspect", "trac", "confirm", "follow")
    + r"\w*"
)  # fmt: skip
PARCEL = "(?:it|your|the|order)"
BUSINESS = "(?:business |working )?"

WORDINGS = {
    "trace": (
        _any(r"trac(?:e|ing|k|king)\b", "locat", f"find (?:out where )?{PARCEL}", f"where {PARCEL}",
             f"look(?:ing)? for {PARCEL}", "carrier", "courier"),
    ),
    "address": (
        _any(r"address\b"),
        _any("chang", "updat", "correct", "switch", "redirect", "fix", "adjust", "amend", "add ", "new",
             "right", "send", "ship"),
    ),
    "redeliver": (
        _any("(?:new|another|second|different|later|other|next|fresh|suitable|better) "
             "(?:delivery|date|day|time|attempt)", "re-?deliver", "reschedul",
             r"(?:deliver|bring|try).*\bagain"),
    ),
    "missing": (_any(r"pack(?:ed|ing)?\b", "missing", "what was (?:sent|shipped)"),),
    "cancel": (_any("cancel", "stop (?:it|order|the (?:order|shipment|parcel))"),),
    "label": (_any(r"labels?\b", "return (?:slip|form|instructions)", "how to return"),),
    "exchange": (
        _any("exchang", "swap", "replac", "(?:right|correct) (?:size|item|color|one|product)", r"trade\b"),
    ),
    "damaged": (_any("photo", "picture", "image"),),
    "received": (
        _any("return"), CHECK, _any("arriv", "receiv", "reach", "came", "got", "is here", "warehouse"),
    ),
    "charge": (_any("charg", "(?<!blocked your )payment", "amount", "bill", r"total\b"), CHECK),
    "invoice": (
        _any("invoice", "receipt", r"bill\b"),
        _any("e-?mail", "send", "issue", "prepare", "forward", "get", "provide"),
    ),
    "refund": (_any("refund", "money"), CHECK),
    "code": (_any(r"codes?\b", "voucher", "coupon", "promotion"), CHECK),
    "payment": (_any("payment", r"pay\b", "card", "transaction", "checkout"), CHECK),
    "fault": (
        _any("technician", "engineer", "repair", "specialist", "look (?:in)?to", "look at", "diagnos",
             "inspect", "examin"),
        "{p}",
    ),
    "danger": (
        _any("(?:stop|do not|don't|avoid|never|quit) us(?:e|ing)", "unplug",
             "(?:turn|switch) (?:it |the .*)?off", "disconnect"),
        "{p}",
    ),
    "howto": (_any("instruction", "manual", "guide", "explain", "steps", "how to"), "{p}"),
    "part": (
        _any("spare", "replacement", r"parts?\b",
             "new (?:lid|filter|knob|wheel|cable|cord|handle|ring|jug|buckle)"),
        "{p}",
    ),
    "login": (
        _any("password", "sign(?:ing)? in", "log(?:ging)? ?in", "access"),
        _any("reset", r"new\b", "link", "unlock", "help", "restor"),
    ),
    "details": (
        _any("updat", "chang", "correct", "fix", "amend", "edit", "adjust"),
        _any(r"accounts?\b", "details?", "profile", "email", r"name\b", "phone", "birth"),
    ),
    "security": (_any("lock", "block", "freez", "secur", "suspend", "protect"), _any("account")),
    "newsletter": (
        _any("mailing list", "newsletter", "unsubscri",
             r"(?:stop|end|no more|remove)\b.*\b(?:mail|email|message|offer|ads?|list)"),
    ),
    "close": (
        _any("clos(?:e|ing)", "delet", "remov", "eras"), _any("account", r"data\b", "profile", "membership"),
    ),
    "stock": (_any(r"stock\b", "availab", "sold out", "come back", "(?:get|have) (?:more|any)"), "{p}"),
    "advice": (
        _any("detail", "measure", "dimension", "specification", r"specs\b", r"size\b", r"weight\b",
             "material", "information", r"data\b"),
        "{p}",
    ),
    "quote": (_any("quote", r"offer\b", "estimate", "prices?"), "{p}"),
    "delivery_time": (r"\b(?:3|three) ?(?:to|-|–|and) ?(?:5|five)\b.*\bdays\b",),
    "express_fee": (r"\$ ?12\b|\b(?:12|twelve) dollars",),
    "free_delivery": (r"\$ ?50\b|\b(?:50|fifty) dollars", _any("free", "no (?:charge|shipping)", "nothing")),
    "return_window": (r"\b(?:30|thirty)[ -]days?\b",),
    "return_fee": (r"\$ ?6\b|\b(?:6|six) dollars",),
    "sale_items": (_any("exchang"), _any(r"not\b", "cannot", "can't", r"no\b", "never", "only")),
    "payment_methods": (_any("(?:credit )?cards?"), _any("paypal"), _any("gift cards?")),
    "refund_time": (rf"\b(?:7|seven)[ -]{BUSINESS}days?\b",),
    "price_match": (
        _any("match", "meet", "lower price", "adjust"), _any("(?:14|fourteen)[ -]days?", "(?:2|two) weeks"),
    ),
    "warranty": (_any(r"(?:2|two)[ -]years?\b", "24[ -]months?"),),
    "repair_time": (rf"\b(?:10|ten)[ -]{BUSINESS}days?\b",),
    "points_value": (_any("100", "(?:one |a )?hundred"), r"\$ ?5\b|\b(?:5|five) dollars"),
    "points_expiry": (_any("(?:18|eighteen)[ -]months?", "(?:one|a year) and a half"),),
    "gift_wrap": (r"\$ ?4\b|\b(?:4|four) dollars",),
    "opening_hours": (r"\bmon(?:day)?s?\b.*\bsat(?:urday)?s?\b", r"\b10\b.*\b6\b|\bten\b.*\bsix\b"),
    "student_discount": (r"\b(?:15|fifteen) ?(?:%|percent)",),
}  # fmt: skip
SENTENCES = {
    "delivery": (
        _any("deliver", "parcel", "package", "shipment"),
        _any("look into", "check", "trac", "investigat", "find out", "arrange", "ask the carrier"),
    ),
    "change": (_any("hold", "stop", "halt", "chang"), _any("order")),
    "label": (_any(r"labels?\b", "return (?:slip|form|instructions)", "how to return"),),
    "photo": WORDINGS["damaged"],
    "arrival": WORDINGS["received"],
    "payments": (_any("payments?"), CHECK),
    "invoice": WORDINGS["invoice"],
    "checkout": (_any("check-?out"), CHECK),
    "technician": (_any("technician", "engineer", "specialist", "expert", "workshop"), "{p}"),
    "stop": WORDINGS["danger"],
    "instructions": WORDINGS["howto"],
    "password": WORDINGS["login"],
    "details": WORDINGS["details"],
    "removal": (_any("remov", "delet", "take you off"), _any("list", "data", "account")),
    "colleague": (
        _any("colleague", "(?:sales )?team", "somebody", "someone"),
        _any("e-?mail", "write", "tell", "contact", "answer", "get back", "call"),
        "{p}",
    ),
    "quote": WORDINGS["quote"],
}  # fmt: skip
MARKS = {
    "delivery": r"\bthe delivery of\b|\btrac(?:e|ing)\b", "change": r"\bhold\b|\bcancel",
    "label": r"\blabel\b", "photo": r"\bphoto\b", "arrival": r"\byour return\b",
    "payments": r"\bthe (?:payment|charge|refund)s?\b",
    "invoice": r"\binvoice", "checkout": r"\bcheckout", "technician": r"\btechnician will email",
    "stop": r"\bstop using|\bunplug", "instructions": r"\binstructions\b", "password": r"\byour password",
    "details": r"\bthe details in\b", "removal": r"\bfrom our list", "colleague": r"\bcolleague",
    "quote": r"\bquote\b",
}  # fmt: skip

# A refund may be checked; that is taken out of the text before promises are looked for.
CHECKS_REFUND = (
    CHECK + r"(?: on| into| at| up)?(?: the status of| what happened to| what became of| where| whether| if)?"
    r" (?:your |the |a |this )?(?:refund|money)"
)
PROMISES = (
    r"\b(?:will|'ll|shall|going to|have|has|can|are)\b(?: \w+){0,3} "
    r"(?:refund(?:ed|ing)?|reimburs\w+|pay you back|credit(?:ed)?)\b",
    r"\b(?:issu|send|giv|process|receiv|get|grant|mak|approv|arrang|offer|transfer)\w*(?: you| back)?"
    r"(?: your| the| a| an)?(?: full| complete| partial)? (?:refund|money)\b",
    r"\bfull refund\b", r"\bmoney back\b", r"\bget(?:ting)? back your money\b",
    r"\bpay(?:ing)? (?:it|you) back\b",
    r"\brefund(?:ing)? (?:you|it|the (?:full|whole) )",
    r"\byour (?:refund|money) (?:will|is on|has been)\b(?! take| checked| be checked)",
)  # fmt: skip
APOLOGY = r"\bsorry\b|\bapolog\w+|\bregret\w*|\bforgive\b|\bpardon\b"
ASKS_NUMBER = r"\border (?:number|no\b\.?|id)(?![ :#.]*\d)|\bnumber of (?:your|the) order\b|\bwhich order\b"
REFUSES = r"\b(?:cannot|can't|can not|unable|we won't|we will not|not able|not possible|impossible|refuse)\b"
# "Refunds do not take longer than 7 days" denies nothing.
DENIES = r"\b(?:not|never|don't|doesn't|isn't|no longer)\b(?! (?:\w+ )?(?:longer|more|later) than)"
