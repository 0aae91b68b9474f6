import base64
import io

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from course_utils.tools import notebooks

PNG = (  # one white pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC"
)


def messy():
    outputs = [
        new_output("stream", name="stderr", text="50%|#####"),
        new_output("stream", name="stdout", text="step 1\rstep 2\n"),
        new_output("stream", name="stdout", text=f"{notebooks.ROOT}/data\n"),
        new_output("display_data", data={notebooks.WIDGET: {}, "text/plain": "Button()"}),
        new_output("display_data", data={"image/png": PNG, "text/plain": "<Figure>"}),
        new_output("execute_result", data={"text/plain": "<object at 0x7f00ab>"}, execution_count=9),
    ]
    cell = new_code_cell("thing", outputs=outputs, execution_count=9)
    cell.metadata.update(execution={"shell.execute_reply": "now"}, tags=["keep"])
    book = new_notebook(
        cells=[new_markdown_cell("hi"), cell, new_code_cell("thing"), new_code_cell("claim(1)")]
    )
    book.metadata.widgets = {"state": {}}
    return book


def test_the_normal_form():
    book = notebooks.normalize(messy())
    _, cell, twin, stated = book.cells
    assert [c.execution_count for c in (cell, twin, stated)] == [1, 2, 3]
    assert [o.output_type for o in cell.outputs] == ["stream", "display_data", "execute_result"]
    assert cell.outputs[0].text == "step 2\n…/data\n"
    assert cell.outputs[1].data["image/png"] == notebooks.fewer_colors(PNG) != PNG
    assert cell.outputs[2].execution_count == 1 and "7f00ab" not in str(cell.outputs[2])
    assert cell.metadata == {"tags": ["keep"]}
    assert stated.metadata.tags == [notebooks.CHECKED]
    assert set(book.metadata) == {"kernelspec", "language_info"}
    nbformat.validate(book)


def test_ids_follow_from_the_contents_and_are_unique():
    first, second = notebooks.normalize(messy()), notebooks.normalize(messy())
    ids = [cell.id for cell in first.cells]
    assert ids == [cell.id for cell in second.cells] and len(set(ids)) == len(ids)
    assert notebooks.dumps(first) == notebooks.dumps(notebooks.normalize(first))


@pytest.mark.parametrize("source", ["claim('x', 1)", "claims.claim('x', 1)", "    check_equal(a, b)"])
def test_what_counts_as_a_statement(source):
    assert notebooks.STATED.search(source)


def test_what_does_not():
    assert not notebooks.STATED.search("from course_utils.lessons.claims import claim\nreclaim(1)")


def test_check_writes_nothing_and_normalize_does(tmp_path, capsys):
    path = tmp_path / "a b ü.ipynb"
    path.write_text(nbformat.writes(messy()), encoding="utf-8")
    before = path.read_bytes()
    assert notebooks.main(["--check", str(path)]) == 1
    assert path.read_bytes() == before
    assert notebooks.main(["--normalize", str(path)]) == 0
    assert notebooks.main(["--check", str(path)]) == 0


def test_execution_in_the_notebook_s_folder_under_the_guard(tmp_path):
    path = tmp_path / "lesson.ipynb"
    code = "import os, socket\nprint(os.path.basename(os.getcwd()))\nprint(hasattr(socket, 'course_guard'))"
    nbformat.write(new_notebook(cells=[new_code_cell(code)]), path)
    assert notebooks.main([str(path)]) == 0
    (cell,) = nbformat.read(path, as_version=4).cells
    assert cell.outputs[0].text == f"{tmp_path.name}\nTrue\n"


def test_a_failing_cell_leaves_the_file_alone(tmp_path, capsys):
    path = tmp_path / "lesson.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    assert notebooks.main([str(path)]) == 1
    assert path.read_bytes() == before
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_picture_is_reduced_once_and_stays_the_same_to_the_eye():
    reduced = notebooks.fewer_colors(PNG)
    assert notebooks.fewer_colors(reduced) == reduced
    assert Image.open(io.BytesIO(base64.b64decode(reduced))).convert("RGB").getpixel((0, 0)) == (
        255,
        255,
        255,
    )


def test_a_small_patch_of_one_color_keeps_it_beside_many_others():
    picture = Image.new("RGB", (200, 200), "white")
    for y in range(180):
        picture.paste((min(255, y + 40), 164 - y % 60, 124), (0, y, 150, y + 1))
    picture.paste((0, 114, 178), (160, 185, 170, 192))  # as in a legend
    file = io.BytesIO()
    picture.save(file, "PNG")
    reduced = notebooks.fewer_colors(base64.b64encode(file.getvalue()).decode())
    patch = Image.open(io.BytesIO(base64.b64decode(reduced))).convert("RGB").getpixel((165, 188))
    assert max(abs(a - b) for a, b in zip(patch, (0, 114, 178))) < 8
