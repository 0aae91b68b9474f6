"""Soft prompts are right under any padding, leave the base as it was, and agree with PEFT."""

import pytest
import torch
from peft import PrefixTuningConfig, PromptTuningConfig, get_peft_model
from transformers import GemmaConfig, GemmaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from course_utils import generation
from course_utils.batching import context_length
from course_utils.peft import adapter_files
from course_utils.peft.soft_prompt_encoders import Direct, Lstm, Mlp, without_encoder
from course_utils.peft.soft_prompt_table import PromptTable
from course_utils.peft.soft_prompts import (
    SoftPrompted,
    keys_and_values,
    marks,
    nearest,
    random_prefix,
    random_start,
    start_shape,
    text_start,
    vocabulary_start,
)
from tests.helpers.tiny import byte_tokenizer, shape, tiny_llama

PROMPTS = ["The cat", "A somewhat longer prompt than that", "x", "Why not?"]
TEXT = "Shots: a -> b, c -> d. "


@pytest.fixture
def tiny():
    return tiny_llama()


def vectors(model, length=5):
    return Direct(random_start(model, length, seed=3) * 2)


def prefix(model, length=5):
    return Direct(random_prefix(model, length, seed=3))


def with_mlp(model):
    return Mlp(random_start(model, 5), width=8, residual=False)


def with_lstm(model):
    return Lstm(random_start(model, 5), width=8, residual=False)


def prefix_mlp(model):
    return Mlp(random_prefix(model, 5), width=8, residual=False)


KINDS = [vectors, with_mlp, with_lstm, prefix, prefix_mlp]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def soft(request, tiny):
    return SoftPrompted(tiny[0], request.param(tiny[0]))


def padded(rows, side):
    """Ids and mask (B, T) of rows padded on one side with a token that is in use."""
    width = max(map(len, rows))
    gaps = [[7] * (width - len(row)) for row in rows]
    ids = [row + gap if side == "right" else gap + row for row, gap in zip(rows, gaps)]
    ones = [[1] * len(row) for row in rows]
    mask = [one + [0] * len(gap) if side == "right" else [0] * len(gap) + one for one, gap in zip(ones, gaps)]
    return torch.tensor(ids), torch.tensor(mask)


def worst_gap(forward, tokenizer, side):
    """The largest difference between the logits of padded rows and those of each row alone."""
    rows = tokenizer(PROMPTS)["input_ids"]
    ids, mask = padded(rows, side)
    with torch.no_grad():
        together = forward(ids, mask)
        gaps = []
        for i, row in enumerate(rows):
            alone = forward(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.long))[0]
            gaps.append((together[i][mask[i] == 1] - alone).abs().max())
    return max(gaps).item()


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_changes_no_logits(soft, tiny, side):
    def forward(ids, mask):
        return soft(input_ids=ids, attention_mask=mask).logits

    assert worst_gap(forward, tiny[1], side) < 1e-4

    def with_positions(ids, mask):
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        return soft(input_ids=ids, attention_mask=mask, position_ids=positions).logits

    assert worst_gap(with_positions, tiny[1], side) < 1e-4


@pytest.mark.parametrize("side", ["left", "right"])
def test_peft_prompt_tuning_is_wrong_under_left_padding_and_this_test_would_see_it(tiny, side):
    """The same check on PEFT: its vectors land left of the pads. Right padding is right there too."""
    model, tokenizer = tiny
    theirs = get_peft_model(model, PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5)).eval()
    theirs.prompt_encoder["default"].embedding.weight.data.copy_(random_start(model, 5, 3) * 2)

    def forward(ids, mask):
        logits = theirs(input_ids=ids, attention_mask=mask).logits
        return logits[:, 5:]

    gap = worst_gap(forward, tokenizer, side)
    assert gap > 0.5 if side == "left" else gap < 1e-4


def greedily(soft, ids, count):
    """Continuation of one row, all computed afresh at every step."""
    new = []
    for _ in range(count):
        with torch.no_grad():
            new.append(int(soft(input_ids=torch.tensor([ids + new])).logits[0, -1].argmax()))
    return new


def test_generation_is_the_same_alone_in_batches_and_without_a_cache(soft, tiny):
    rows = tiny[1](PROMPTS)["input_ids"]
    together = generation.continue_ids(soft, rows, 8)
    assert together == generation.continue_ids(soft, rows, 8, batch_size=1)
    assert together == [greedily(soft, row, 8)[: len(new)] for row, new in zip(rows, together)]
    plain = generation.continue_ids(tiny[0], rows, 8)
    assert together != plain


def test_generation_with_a_shared_beginning(soft, tiny):
    prompts = ["The same long beginning of all of them: " + tail for tail in PROMPTS]
    together = generation.generate(soft, tiny[1], prompts, 8)
    assert together == [generation.generate(soft, tiny[1], [prompt], 8)[0] for prompt in prompts]


def test_scores_of_completions(soft, tiny):
    one = generation.logps(soft, tiny[1], PROMPTS, [" yes"] * 4, batch_size=1)
    assert torch.allclose(one, generation.logps(soft, tiny[1], PROMPTS, [" yes"] * 4), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_base_stays_as_it_was_and_only_the_part_trains(tiny, kind):
    model, tokenizer = tiny
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    soft = SoftPrompted(model, kind(model))
    trained = [p for p in soft.parameters() if p.requires_grad]
    assert {id(p) for p in trained} == {id(p) for p in soft.part.parameters()}
    ids, mask = padded(tokenizer(PROMPTS)["input_ids"], "right")
    start, optimizer = soft.part().detach().clone(), torch.optim.AdamW(trained, lr=0.1)
    for _ in range(2):
        soft(input_ids=ids, attention_mask=mask).logits.logsumexp(-1).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())
    moved = (soft.part() - start).abs()
    assert moved.flatten(1).amax(1).gt(0).all(), "every position must learn"


def test_text_start_is_that_text(tiny):
    model, tokenizer = tiny
    start = text_start(model, tokenizer, TEXT)
    whole = model(**tokenizer(TEXT + "x", return_tensors="pt")).logits[:, -1]
    ids = tokenizer("x", return_tensors="pt").input_ids
    for part in (Direct(start), Direct(keys_and_values(model, start)), Mlp(start), Lstm(start)):
        assert torch.allclose(SoftPrompted(model, part)(input_ids=ids).logits[:, -1], whole, atol=1e-4)
    residual = Mlp(keys_and_values(model, start))
    assert torch.allclose(SoftPrompted(model, residual)(input_ids=ids).logits[:, -1], whole, atol=1e-4)


def test_starts(tiny):
    model, tokenizer = tiny
    table = model.get_input_embeddings().weight
    assert len(text_start(model, tokenizer, "abc", 7)) == 7
    assert torch.equal(text_start(model, tokenizer, "abc", 7)[3], text_start(model, tokenizer, "abc")[0])
    assert torch.equal(text_start(model, tokenizer, "abc", 2), text_start(model, tokenizer, "abc")[:2])
    drawn = vocabulary_start(model, 6, seed=1)
    assert all((table == row).all(1).any() for row in drawn)
    assert not torch.equal(drawn, vocabulary_start(model, 6, seed=2))
    assert random_start(model, 500).std().item() == pytest.approx(table.std().item(), rel=0.05)
    assert torch.equal(random_start(model, 4, 1), random_start(model, 4, 1))
    text = [
        text for row in nearest(model, tokenizer, text_start(model, tokenizer, "abc"), 1) for text, _ in row
    ]
    assert text == ["a", "b", "c"]


def test_the_encoder_can_be_dropped(soft):
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        assert torch.equal(
            SoftPrompted(soft.base, without_encoder(soft.part))(input_ids=ids).logits,
            soft(input_ids=ids).logits,
        )


def test_vectors_behind_the_text(tiny):
    """Marks stand for vectors anywhere; all of them in front are the vectors in front."""
    model, tokenizer = tiny
    part = vectors(model, 4)
    marked, text = marks(tokenizer, 4)
    front, behind = SoftPrompted(model, part), SoftPrompted(model, part, behind=4)
    one = front(input_ids=marked(PROMPTS[0], return_tensors="pt").input_ids).logits[:, -1]
    other = behind(input_ids=marked(text + PROMPTS[0], return_tensors="pt").input_ids).logits[:, -1]
    assert torch.allclose(one, other, atol=1e-4)
    both = SoftPrompted(model, part, behind=1)
    prompts = [prompt + marks(tokenizer, 1)[1] for prompt in PROMPTS]
    together = generation.generate(both, marked, prompts, 8)
    assert together == [generation.generate(both, marked, [prompt], 8)[0] for prompt in prompts]
    ids = torch.tensor([marked(prompts[0]).input_ids])
    words = model.get_input_embeddings()(torch.tensor(tokenizer([PROMPTS[0]]).input_ids))[0]
    by_hand = torch.cat([part.value[:3], words, part.value[3:]])[None]
    want = model(inputs_embeds=by_hand).logits[:, -1]
    assert torch.allclose(both(input_ids=ids).logits[:, -1], want, atol=1e-4)


def test_room_for_text_shrinks(tiny):
    model, tokenizer = tiny
    soft = SoftPrompted(model, vectors(model, 50))
    assert context_length(soft) == 206 and context_length(model) == 256
    with pytest.raises(ValueError, match="holds 206"):
        generation.generate(soft, tokenizer, ["x" * 206])
    assert len(generation.continue_ids(soft, [tokenizer("y" * 200)["input_ids"]], 12)[0]) == 6
    with pytest.raises(ValueError, match="do not fit"):
        SoftPrompted(model, vectors(model, 256))
    with pytest.raises(ValueError, match="another model"):
        SoftPrompted(model, Direct(torch.zeros(3, 5)))


# ---- parity with PEFT ------------------------------------------------------------------------


def peft_pair(model, kind):
    """(ours, theirs) with the same numbers, on one base; theirs' logits begin at the text."""
    if kind == "prompt":
        part = vectors(model)
        config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5)
    else:
        part = prefix(model)
        config = PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5, prefix_projection=False)
    theirs = get_peft_model(model, config)
    theirs.prompt_encoder["default"].embedding.weight.data.copy_(part.value.data.reshape(5, -1))
    return SoftPrompted(model, part), theirs


@pytest.mark.parametrize("kind", ["prompt", "prefix"])
def test_logits_and_one_training_step_equal_peft(tiny, kind):
    model, tokenizer = tiny
    ours, theirs = peft_pair(model, kind)
    skip = 5 if kind == "prompt" else 0
    ids, mask = padded(tokenizer(PROMPTS)["input_ids"], "right")
    labels = ids.masked_fill(mask == 0, -100)
    a = ours(input_ids=ids, attention_mask=mask).logits
    out = theirs(input_ids=ids, attention_mask=mask, labels=labels)
    b = out.logits[:, skip:]
    assert torch.allclose(a[mask == 1], b[mask == 1], atol=1e-5)
    loss = torch.nn.functional.cross_entropy(a[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    if kind == "prefix":  # PEFT's prompt tuning also scores the step from the last vector to the text
        assert loss.item() == pytest.approx(out.loss.item(), abs=1e-5)
    their_loss = torch.nn.functional.cross_entropy(b[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    weights = [ours.part.value, theirs.prompt_encoder["default"].embedding.weight]
    for weight, value in zip(weights, (loss, their_loss)):
        optimizer = torch.optim.SGD([weight], lr=0.5)
        value.backward()
        optimizer.step()
    assert torch.allclose(weights[0].reshape(5, -1), weights[1], atol=1e-5)
    assert not torch.allclose(weights[0], (vectors if kind == "prompt" else prefix)(model).value, atol=1e-3)


@pytest.mark.parametrize("family", ["qwen", "gemma"])
def test_other_architectures(family):
    torch.manual_seed(1)
    tokenizer = byte_tokenizer()
    config, cls = {
        "qwen": (Qwen2Config, Qwen2ForCausalLM),
        "gemma": (GemmaConfig, GemmaForCausalLM),
    }[family]
    model = cls(config(**shape(tokenizer), initializer_range=0.3)).eval()
    whole = model(**tokenizer(TEXT + "x", return_tensors="pt")).logits[:, -1]
    start = text_start(model, tokenizer, TEXT)
    ids = tokenizer("x", return_tensors="pt").input_ids
    for part in (Direct(start), Direct(keys_and_values(model, start))):
        assert torch.allclose(SoftPrompted(model, part)(input_ids=ids).logits[:, -1], whole, atol=1e-3)
    assert keys_and_values(model, start).shape[1:] == start_shape(model, vectors=False)


# ---- the table -------------------------------------------------------------------------------


def full_table(model):
    table = PromptTable(model)
    table.add("routing", SoftPrompted(model, vectors(model)))
    table.add("tone", SoftPrompted(model, with_lstm(model)))
    table.add("facts", SoftPrompted(model, prefix(model)))
    return table


def test_a_task_in_the_table_replies_as_it_was_trained(tiny):
    model, tokenizer = tiny
    table, trained = PromptTable(model), SoftPrompted(model, with_lstm(model))
    table.add("tone", trained)
    assert generation.generate(table.model("tone"), tokenizer, PROMPTS, 6) == generation.generate(
        trained, tokenizer, PROMPTS, 6
    )
    assert "tone" in table and table.count("tone") == 5 * 32


def test_adding_and_removing_touch_no_other_task(tiny, tmp_path):
    model, _ = tiny
    table = full_table(model)
    before = {task: table.prompts[task].clone() for task in table.prompts}
    table.save(tmp_path / "a.safetensors")
    late = SoftPrompted(model, vectors(model, 9))
    table.add("late", late)
    table.save(tmp_path / "b.safetensors")
    with torch.no_grad():
        late.part.value += 1  # training goes on: the table keeps what it was given
    table.remove("routing")
    a, b = (PromptTable.load(model, tmp_path / name) for name in ("a.safetensors", "b.safetensors"))
    assert list(a.prompts) == list(before) and list(b.prompts) == [*before, "late"]
    for task, value in before.items():
        assert torch.equal(a.prompts[task], value) and torch.equal(b.prompts[task], value)
    assert torch.equal(table.prompts["late"], b.prompts["late"])


def test_the_table_refuses(tiny):
    model, _ = tiny
    table = full_table(model)
    with pytest.raises(ValueError, match="already"):
        table.add("tone", SoftPrompted(model, vectors(model)))
    with pytest.raises(ValueError, match="No task 'x': the table has routing, tone, facts"):
        table.model("x")
    with pytest.raises(ValueError, match="another base"):
        table.add("y", SoftPrompted(tiny_llama(seed=1)[0], vectors(model)))


def test_a_bad_file_is_refused_in_a_sentence(tiny, tmp_path):
    model, _ = tiny
    path = tmp_path / "prompts.safetensors"
    full_table(model).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    with pytest.raises(adapter_files.BadFile, match="cut short"):
        PromptTable.load(model, path)
    path.write_bytes(content)
    with pytest.raises(adapter_files.BadFile, match="another base model"):
        PromptTable.load(tiny_llama(seed=1)[0], path)
    adapter_files.write(path, {"a": torch.zeros(2)}, {"format": "something else"})
    with pytest.raises(adapter_files.BadFile, match="of the kind"):
        PromptTable.load(model, path)
    with pytest.raises(FileNotFoundError):
        PromptTable.load(model, tmp_path / "none.safetensors")


@pytest.mark.parametrize("kind", [vectors, prefix])
def test_training_in_bf16(tiny, kind):
    """Where the hardware has bf16, training computes in it and a soft prompt must keep up."""
    from course_utils import data, training

    model, tokenizer = tiny
    examples = data.encode(tokenizer, [{"prompt": f"a{i}", "completion": " b"} for i in range(8)])
    soft = SoftPrompted(model, kind(model))
    history = training.train(soft, examples, lr=0.1, steps=8, batch_size=4, bf16=True, progress=False)
    assert history.losses[-1] < history.losses[0]
