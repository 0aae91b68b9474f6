"""The diagram of lesson 02 marks what is learned and draws the encoders."""

import matplotlib.pyplot as plt

from course_utils.peft import soft_prompt_plots


def test_the_diagram_marks_what_is_learned_and_who_has_an_encoder():
    axes = soft_prompt_plots.soft_prompt_diagram(vectors=3)
    learned = [sum(patch.get_hatch() == "//" for patch in ax.patches) for ax in axes]
    encoders = [sum(patch.get_hatch() == ".." for patch in ax.patches) for ax in axes]
    assert learned == [3, 3, 9] and encoders == [0, 1, 1]
    assert [ax.get_title() for ax in axes] == list(soft_prompt_plots.TECHNIQUES)
    plt.close("all")
