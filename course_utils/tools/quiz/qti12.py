"""QTI 1.2 as Canvas imports it: a zip with imsmanifest.xml and one assessment a lesson.

Import in Canvas: Settings, Import Course Content, QTI .zip file. After the IMS QTI 1.2.1 lite elements that
Canvas exports itself. Left out: Canvas's own metadata file, without which the quiz gets default settings.
"""

from xml.etree import ElementTree as ET

QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
CONTENT = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"


def child(parent, tag, text=None, **attributes):
    """A new element below the parent."""
    element = ET.SubElement(parent, tag, attributes)
    element.text = text
    return element


def field(parent, label, entry):
    pair = child(parent, "qtimetadatafield")
    child(pair, "fieldlabel", label)
    child(pair, "fieldentry", entry)


def text_of(parent, text):
    child(child(parent, "material"), "mattext", text, texttype="text/plain")


def item(section, each):
    """One single-choice item: its texts, its scoring, and the explanation as general feedback."""
    element = child(section, "item", ident=each.id, title=each.id)
    metadata = child(child(element, "itemmetadata"), "qtimetadata")
    field(metadata, "question_type", "multiple_choice_question")
    field(metadata, "points_possible", "1")
    presentation = child(element, "presentation")
    text_of(presentation, each.question)
    response = child(presentation, "response_lid", ident="response1", rcardinality="Single")
    labels = child(response, "render_choice")
    for number, (text, _) in enumerate(each.choices()):
        text_of(child(labels, "response_label", ident=f"choice{number}"), text)
    (correct,) = (f"choice{number}" for number, (_, right) in enumerate(each.choices()) if right)
    processing = child(element, "resprocessing")
    child(
        child(processing, "outcomes"),
        "decvar",
        maxvalue="100",
        minvalue="0",
        varname="SCORE",
        vartype="Decimal",
    )
    always = child(processing, "respcondition", **{"continue": "Yes"})
    child(child(always, "conditionvar"), "other")
    child(always, "displayfeedback", feedbacktype="Response", linkrefid="general_fb")
    scored = child(processing, "respcondition", **{"continue": "No"})
    child(child(scored, "conditionvar"), "varequal", correct, respident="response1")
    child(scored, "setvar", "100", action="Set", varname="SCORE")
    feedback = child(element, "itemfeedback", ident="general_fb")
    text_of(child(feedback, "flow_mat"), each.explanation)


def assessment(quiz):
    """The XML text of one lesson's quiz."""
    root = ET.Element("questestinterop", {"xmlns": QTI})
    name = f"Lesson {quiz.lesson}: {quiz.title}"
    element = child(root, "assessment", ident=f"lesson-{quiz.lesson}", title=name)
    section = child(element, "section", ident="root_section")
    for each in quiz.questions:
        item(section, each)
    return xml(root)


def manifest(quizzes):
    """imsmanifest.xml, which names every file of the package."""
    root = ET.Element("manifest", {"xmlns": CONTENT, "identifier": "taming-language-models-quizzes"})
    metadata = child(root, "metadata")
    child(metadata, "schema", "IMS Content")
    child(metadata, "schemaversion", "1.1.3")
    child(root, "organizations")
    resources = child(root, "resources")
    for quiz in quizzes:
        path = f"lesson-{quiz.lesson}/assessment.xml"
        resource = child(
            resources, "resource", identifier=f"lesson-{quiz.lesson}", type="imsqti_xmlv1p2", href=path
        )
        child(resource, "file", href=path)
    return xml(root)


def xml(root):
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def files(quizzes):
    """{path in the package: text}."""
    made = {f"lesson-{quiz.lesson}/assessment.xml": assessment(quiz) for quiz in quizzes}
    return {"imsmanifest.xml": manifest(quizzes)} | made
