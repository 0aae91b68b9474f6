"""QTI 2.1: a zip with imsmanifest.xml, one item a question and one test a lesson.

For Canvas's New Quizzes, TAO, Blackboard and others. The correct answer is scored by the specification's own
template match_correct; the explanation is modal feedback, shown after any answer.
"""

from xml.etree import ElementTree as ET

from course_utils.tools.quiz.qti12 import child, xml

QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
CONTENT = "http://www.imsglobal.org/xsd/imscp_v1p1"
MATCH_CORRECT = "http://www.imsglobal.org/question/qti_v2p1/rptemplates/match_correct"


def name(each):
    """An identifier as XML allows it: it begins with a letter and has no dots."""
    return "q-" + each.id.replace(".", "-")


def item(each):
    """The XML text of one question."""
    attributes = {"xmlns": QTI, "identifier": name(each), "title": each.id}
    root = ET.Element("assessmentItem", attributes | {"adaptive": "false", "timeDependent": "false"})
    (correct,) = (f"choice{number}" for number, (_, right) in enumerate(each.choices()) if right)
    response = child(
        root, "responseDeclaration", identifier="RESPONSE", cardinality="single", baseType="identifier"
    )
    child(child(response, "correctResponse"), "value", correct)
    score = child(root, "outcomeDeclaration", identifier="SCORE", cardinality="single", baseType="float")
    child(child(score, "defaultValue"), "value", "0")
    shown = child(
        root, "outcomeDeclaration", identifier="FEEDBACK", cardinality="single", baseType="identifier"
    )
    child(child(shown, "defaultValue"), "value", "explanation")
    body = child(root, "itemBody")
    choices = child(body, "choiceInteraction", responseIdentifier="RESPONSE", shuffle="true", maxChoices="1")
    child(choices, "prompt", each.question)
    for number, (text, _) in enumerate(each.choices()):
        child(choices, "simpleChoice", text, identifier=f"choice{number}")
    child(root, "responseProcessing", template=MATCH_CORRECT)
    feedback = child(
        root, "modalFeedback", outcomeIdentifier="FEEDBACK", showHide="show", identifier="explanation"
    )
    child(feedback, "p", each.explanation)
    return xml(root)


def test(quiz):
    """The XML text of one lesson's test, which names its items."""
    title = f"Lesson {quiz.lesson}: {quiz.title}"
    root = ET.Element("assessmentTest", {"xmlns": QTI, "identifier": f"lesson-{quiz.lesson}", "title": title})
    part = child(root, "testPart", identifier="part", navigationMode="nonlinear", submissionMode="individual")
    section = child(part, "assessmentSection", identifier="questions", title=title, visible="true")
    for each in quiz.questions:
        child(section, "assessmentItemRef", identifier=name(each), href=f"items/{name(each)}.xml")
    return xml(root)


def manifest(quizzes):
    """imsmanifest.xml: every test depends on its items."""
    root = ET.Element("manifest", {"xmlns": CONTENT, "identifier": "taming-language-models-quizzes"})
    metadata = child(root, "metadata")
    child(metadata, "schema", "QTIv2.1 Package")
    child(metadata, "schemaversion", "1.0.0")
    child(root, "organizations")
    resources = child(root, "resources")
    for quiz in quizzes:
        path = f"lesson-{quiz.lesson}.xml"
        resource = child(
            resources, "resource", identifier=f"test-{quiz.lesson}", type="imsqti_test_xmlv2p1", href=path
        )
        child(resource, "file", href=path)
        for each in quiz.questions:
            child(resource, "dependency", identifierref=name(each))
    for each in (each for quiz in quizzes for each in quiz.questions):
        path = f"items/{name(each)}.xml"
        resource = child(resources, "resource", identifier=name(each), type="imsqti_item_xmlv2p1", href=path)
        child(resource, "file", href=path)
    return xml(root)


def files(quizzes):
    """{path in the package: text}."""
    made = {"imsmanifest.xml": manifest(quizzes)}
    for quiz in quizzes:
        made[f"lesson-{quiz.lesson}.xml"] = test(quiz)
        made |= {f"items/{name(each)}.xml": item(each) for each in quiz.questions}
    return made
