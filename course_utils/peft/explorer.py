"""The LoRA explorer: rank and target layers on real model shapes, and what they cost.

Taught in lesson 03. `Explorer` counts, without widgets; `lora_explorer` adds the controls, and
`lora_picture` is the static figure. Left out: activations, as in memory_estimates.
"""

import html

import matplotlib.pyplot as plt

from course_utils import models
from course_utils.display import figures, tables
from course_utils.peft import adapter_layer, memory_estimates

RANKS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
REAL = ("Qwen2.5 0.5B", "Llama 3 8B", "GPT-3 175B")
QUERIES_AND_VALUES = ("q_proj", "v_proj")


class Explorer:
    """Counts LoRA's parameters on a model, under a name, and on real shapes, each built when first needed."""

    def __init__(self, model, name="SmolLM2-135M"):
        self._sizes_of = {name: _sizes(model)}
        self.names = (*self._sizes_of, *REAL)

    def sizes(self, name):
        """(all parameters, {layer name: [(out, in), …]}) of a model."""
        if name not in self._sizes_of:
            self._sizes_of[name] = _sizes(memory_estimates.build(name))
        return self._sizes_of[name]

    def count(self, name, rank, targets):
        """How many parameters train."""
        return memory_estimates.lora_count(self.sizes(name)[1], rank, targets)

    def rows(self, name, rank, targets):
        """[quantity, LoRA, full fine-tuning] as texts: parameters, share, file size, memory by convention."""
        total, trained = self.sizes(name)[0], self.count(name, rank, targets)
        rows = [
            ["trained parameters", f"{trained:,}", f"{total:,}"],
            ["share of the model", f"{trained / total:.3%}", "100%"],
            ["file for a task, 16-bit", size(2 * trained), size(2 * total)],
        ]
        for convention in ("fp32", "mixed precision", "16-bit, no gradients"):
            small, full = (memory_estimates.memory(total, n, convention) for n in (trained, total))
            rows.append([f"memory to train, {convention}", size(small), size(full)])
        small = memory_estimates.memory(total, trained, "4-bit base")
        return [*rows, ["memory to train, 4-bit base", size(small), "–"]]


def _sizes(model):
    named = model.named_parameters()
    adapters = sum(weight.numel() for name, weight in named if adapter_layer.is_adapter_parameter(name))
    return models.count_parameters(model) - adapters, memory_estimates.layer_sizes(model)


def size(count):
    """Bytes as text with a decimal unit."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def lora_explorer(model):
    """Widgets to choose a model's shape, a rank and target layers; without ipywidgets, the figure.

    Uses only what ipywidgets 7.7 and 8 share; every control is reached with Tab.
    """
    state = Explorer(model)
    try:
        import ipywidgets as w
    except ImportError:
        return lora_picture(model)
    # Rows of buttons, not menus: JupyterLab keeps the arrow keys of a menu for itself.
    name = w.ToggleButtons(options=state.names, description="Model", style={"button_width": "13em"})
    rank = w.SelectionSlider(options=RANKS, value=8, description="Rank")
    targets, output = w.HBox(), w.HTML()

    def show(*_):
        chosen = [button.description for button in targets.children if button.value]
        rows = state.rows(name.value, rank.value, chosen)
        source = (
            memory_estimates.SHAPES[name.value].source
            if name.value in memory_estimates.SHAPES
            else "this course"
        )
        table = tables.table(rows, ["", "LoRA", "full fine-tuning"])._repr_html_()
        spaced = table.replace("<table>", '<table cellpadding="6">')
        output.value = f"{spaced}<p>Shape: {html.escape(source)}</p>"

    def show_layers(*_):
        """A button for each kind of layer that the chosen model has."""
        layers, narrow = state.sizes(name.value)[1], w.Layout(width="8em")
        targets.children = [
            w.ToggleButton(layer in QUERIES_AND_VALUES, description=layer, layout=narrow) for layer in layers
        ]
        for button in targets.children:
            button.observe(show, names="value")
        show()

    name.observe(show_layers, names="value")
    rank.observe(show, names="value")
    show_layers()
    return w.VBox([name, rank, w.HBox([w.Label("Layers"), targets]), output])


@plt.rc_context(figures.FONT)
def lora_picture(model):
    """Trained parameters by rank, on queries and values and on all layers of three shapes; the Axes."""
    state = Explorer(model)
    _, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    for i, name in enumerate((state.names[0], "Llama 3 8B", "GPT-3 175B")):
        total, sizes = state.sizes(name)
        for line, targets in (("-", QUERIES_AND_VALUES), ("--", tuple(sizes))):
            label = f"{name}, {'q and v' if line == '-' else 'all layers'}"
            counts = [state.count(name, rank, targets) / total for rank in RANKS]
            ax.plot(RANKS, counts, line, marker=figures.MARKERS[i], color=figures.COLORS[i], label=label)
    ax.axhline(1, color="black", linestyle=":", label="the whole model")
    title = "The larger the model, the smaller LoRA's share"
    ylabel = "trained parameters, share of the model"
    ax.set(xscale="log", yscale="log", xlabel="rank", ylabel=ylabel, title=title)
    ax.set_ylim(bottom=1e-6)  # room for the legend
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    ax.set_xticks(RANKS, [str(rank) for rank in RANKS])
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=8, ncols=2, loc="lower right")
    return ax
