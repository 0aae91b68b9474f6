"""Our functions on models of the shapes of SmolLM2, Qwen3 and Gemma 3, against transformers."""

import copy

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from course_utils import data, generation, losses, models, training
from course_utils.peft import adapter_files, adapter_layer, bottleneck, ia3, lora, mixed_batch
from course_utils.peft.soft_prompt_encoders import Direct, Mlp
from course_utils.peft.soft_prompts import (
    SoftPrompted,
    keys_and_values,
    random_prefix,
    random_start,
    text_start,
)
from course_utils.prompts.templates import render_chat
from course_utils.scaling import tiny_hub

LONG = (
    "The dog is big. The cat is small. The bird sings in the old garden. " * 3
)  # longer than Gemma's window
SHORT = ["The cat", "A somewhat longer prompt than that one", "x", "Why not?"]
PROMPTS = [*SHORT, LONG]
RECORDS = [
    {"prompt": "The cat is", "completion": " small and quick"},
    {"prompt": "A dog and a bird are in", "completion": " the house."},
    {"prompt": LONG, "completion": " It is late."},
]
LIMIT = 1e-4


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes")
    return {name: tiny_hub.make(name, folder / name) for name in tiny_hub.SHAPES}


@pytest.fixture(params=tiny_hub.SHAPES)
def loaded(request, saved):
    return models.load(saved[request.param])


def logits_of(model, ids, mask=None):
    mask = torch.ones_like(ids) if mask is None else mask
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=mask, position_ids=positions).logits


def each_alone(model, tokenizer, prompts=PROMPTS):
    """The logits of the last token of each prompt, computed without padding: (B, V)."""
    rows = [torch.tensor([tokenizer(prompt)["input_ids"]]) for prompt in prompts]
    return torch.stack([logits_of(model, row)[0, -1] for row in rows])


def left_padded(tokenizer, prompts=PROMPTS):
    batch = tokenizer(prompts, padding=True, return_tensors="pt", padding_side="left")
    return batch["input_ids"], batch["attention_mask"]


def close(a, b, limit=LIMIT):
    return (a - b).abs().max().item() < limit * max(1.0, b.abs().max().item())


# ---- the shapes are what they claim to be ----------------------------------------------------


def test_shapes_have_what_makes_code_go_wrong(loaded):
    model, tokenizer = loaded
    config, kind = model.config, model.config.model_type
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    if kind == "llama":
        assert config.num_hidden_layers == 30 and config.num_attention_heads == 3 * config.num_key_value_heads
        assert tokenizer.pad_token_id == tokenizer.eos_token_id and tokenizer.bos_token == "<|im_start|>"
        assert tokenizer("a cat")["input_ids"][0] != tokenizer.bos_token_id
    else:
        assert config.head_dim != config.hidden_size // config.num_attention_heads
        assert any("q_norm" in name for name, _ in model.named_parameters())
    if kind == "gemma3_text":
        longest = max(len(ids) for ids in tokenizer(PROMPTS)["input_ids"])
        assert config.layer_types[0] == "sliding_attention" and config.sliding_window < longest
    assert model.config.pad_token_id == tokenizer.pad_token_id


# ---- generation ------------------------------------------------------------------------------


def by_transformers(model, tokenizer, prompt, count=12):
    ids = torch.tensor([tokenizer(prompt)["input_ids"]])
    new = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, do_sample=False)
    return tokenizer.decode(new[0, ids.shape[1] :], skip_special_tokens=True)


@pytest.mark.parametrize("batch_size", [1, 64])
def test_generation_is_that_of_transformers(loaded, batch_size):
    model, tokenizer = loaded
    expected = [by_transformers(model, tokenizer, prompt) for prompt in PROMPTS]
    assert len(set(expected)) > 2  # the random weights say different things
    assert generation.generate(model, tokenizer, PROMPTS, 12, batch_size=batch_size) == expected


def test_generation_with_a_shared_beginning_is_that_of_transformers(loaded):
    model, tokenizer = loaded
    prompts = [LONG + more for more in ("The cat", "A dog is in the", "x")]
    expected = [by_transformers(model, tokenizer, prompt) for prompt in prompts]
    assert generation.generate(model, tokenizer, prompts, 12) == expected


def test_next_token_and_logps_agree_with_one_row_at_a_time(loaded):
    model, tokenizer = loaded
    (best, chance), *_ = generation.next_token(model, tokenizer, PROMPTS[1])
    expected = each_alone(model, tokenizer)[1].softmax(-1)
    assert chance == pytest.approx(expected.max().item(), rel=1e-4)
    prompts, tails = [r["prompt"] for r in RECORDS], [r["completion"] for r in RECORDS]
    for prompt, tail, value in zip(prompts, tails, generation.logps(model, tokenizer, prompts, tails)):
        start, end = tokenizer(prompt)["input_ids"], tokenizer(tail, add_special_tokens=False)["input_ids"]
        steps = logits_of(model, torch.tensor([start + end]))[0].log_softmax(-1)
        alone = sum(steps[len(start) - 1 + i, token].item() for i, token in enumerate(end))
        assert value.item() == pytest.approx(alone, rel=1e-4)


# ---- soft prompts ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["vectors", "prefix", "prefix from an MLP"])
def test_soft_prompts_are_right_under_padding(loaded, kind):
    model, tokenizer = loaded
    starts = {"vectors": random_start(model, 5), "prefix": random_prefix(model, 5)}
    part = Mlp(starts["prefix"], width=8) if "MLP" in kind else Direct(starts[kind])
    soft = SoftPrompted(model, part)
    ids, mask = left_padded(tokenizer, SHORT)
    assert close(logits_of(soft, ids, mask)[:, -1], each_alone(soft, tokenizer, SHORT))
    ids, mask = left_padded(tokenizer)
    if model.config.model_type == "gemma3_text":
        with pytest.raises(ValueError, match="see only 32 tokens back.*batch_size=1"):
            logits_of(soft, ids, mask)
    else:
        assert close(logits_of(soft, ids, mask)[:, -1], each_alone(soft, tokenizer))


@pytest.mark.parametrize("text", ["Shots: a cat, a dog.", LONG])
def test_prefix_from_a_text_does_what_the_text_would(loaded, text):
    """Longer than Gemma's window, too: what a layer no longer sees must not be in its way."""
    model, tokenizer = loaded
    start = text_start(model, tokenizer, text)
    rest = tokenizer(" The bird is", add_special_tokens=False)["input_ids"]
    whole = torch.tensor([tokenizer(text)["input_ids"] + rest])
    expected = logits_of(model, whole)[0, -1]
    for part in (start, keys_and_values(model, start)):
        soft = SoftPrompted(model, Direct(part))
        assert close(logits_of(soft, torch.tensor([rest]))[0, -1], expected)


@pytest.mark.parametrize("start", [random_start, random_prefix])
def test_soft_prompts_train_and_generate(loaded, start):
    model, tokenizer = loaded
    before = copy.deepcopy(model.state_dict())
    soft = SoftPrompted(model, Direct(start(model, 5)))
    history = training.train(
        soft, data.encode(tokenizer, RECORDS), lr=0.05, steps=12, batch_size=3, progress=False
    )
    assert history.losses[-1] < history.losses[0]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    alone = [generation.generate(soft, tokenizer, [prompt], 8)[0] for prompt in PROMPTS]
    assert generation.generate(soft, tokenizer, SHORT, 8) == alone[: len(SHORT)]
    assert generation.generate(soft, tokenizer, PROMPTS, 8, batch_size=1) == alone


# ---- trained parts inside the model ----------------------------------------------------------

METHODS = {
    "lora": lambda model: lora.add(model, "new", targets="all"),
    "ia3": lambda model: ia3.add(model, "new"),
    "adapter": lambda model: bottleneck.add(model, "new", width=4),
}


@pytest.mark.parametrize("method", METHODS)
def test_parts_begin_as_the_base_train_save_and_come_back(loaded, method, tmp_path):
    model, tokenizer = loaded
    ids, mask = left_padded(tokenizer)
    base = logits_of(model, ids, mask)
    METHODS[method](model)
    assert torch.equal(logits_of(model, ids, mask), base)
    examples = data.encode(tokenizer, RECORDS)
    history = training.train(model, examples, lr=0.02, steps=12, batch_size=3, progress=False)
    assert history.losses[-1] < history.losses[0]
    trained = logits_of(model, ids, mask)
    assert close(trained[:, -1], each_alone(model, tokenizer))
    adapter_files.save(model, "new", tmp_path / "new.safetensors")
    adapter_layer.remove(model)
    assert torch.equal(logits_of(model, ids, mask), base)
    adapter_files.load(model, tmp_path / "new.safetensors")
    assert torch.equal(logits_of(model, ids, mask), trained)


def test_mixed_batch_gives_each_row_its_own_task(loaded):
    model, tokenizer = loaded
    ia3.add(model, "rescaled")
    lora.add(model, "updated", targets="all")
    with torch.no_grad():
        for parameter in adapter_layer.parameters(model, "rescaled") + adapter_layer.parameters(
            model, "updated"
        ):
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) / 2)
    tasks = ["rescaled", "updated", None, "updated", "rescaled"]
    together = mixed_batch.reply(model, tokenizer, PROMPTS, tasks, 8)
    for prompt, task, text in zip(PROMPTS, tasks, together):
        adapter_layer.set_adapter(model, task)
        assert generation.generate(model, tokenizer, [prompt], 8) == [text]


def test_merged_lora_saved_and_reloaded_keeps_the_embeddings_tied(loaded, tmp_path):
    model, tokenizer = loaded
    ids, mask = left_padded(tokenizer)
    lora.add(model, "new", targets="all")
    examples = data.encode(tokenizer, RECORDS)
    training.train(model, examples, lr=0.02, steps=8, batch_size=3, progress=False)
    trained = logits_of(model, ids, mask)
    lora.merge(model, "new")
    adapter_layer.remove(model)
    assert close(logits_of(model, ids, mask), trained, 1e-3)
    merged = logits_of(model, ids, mask)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, _ = models.load(tmp_path)
    assert torch.equal(logits_of(again, ids, mask), merged)
    assert again.get_output_embeddings().weight is again.get_input_embeddings().weight
    assert models.count_parameters(again) == models.count_parameters(model)
    plain = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    assert torch.equal(logits_of(plain, ids, mask), merged)


def test_full_training_moves_tied_embeddings_as_one(loaded, tmp_path):
    model, tokenizer = loaded
    before = model.get_input_embeddings().weight.detach().clone()
    examples = data.encode(tokenizer, RECORDS)
    history = training.train(model, examples, lr=2e-3, steps=12, batch_size=3, progress=False)
    assert history.losses[-1] < history.losses[0]
    assert not torch.equal(model.get_input_embeddings().weight, before)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    ids, mask = left_padded(tokenizer)
    assert torch.equal(logits_of(models.load(tmp_path)[0], ids, mask), logits_of(model, ids, mask))


def test_random_weights_keep_the_shape_and_the_ties(loaded):
    model, _ = loaded
    fresh = models.randomized(model, seed=1)
    assert models.count_parameters(fresh) == models.count_parameters(model)
    assert fresh.get_output_embeddings().weight is fresh.get_input_embeddings().weight
    assert fresh.generation_config.eos_token_id == model.generation_config.eos_token_id
    assert not torch.equal(fresh.get_input_embeddings().weight, model.get_input_embeddings().weight)


# ---- what is encoded and what counts ---------------------------------------------------------


def test_end_token_counts_even_where_it_is_the_pad_token(loaded):
    model, tokenizer = loaded
    examples = data.encode(tokenizer, RECORDS)
    assert all(e["input_ids"][-1] == tokenizer.eos_token_id and e["mask"][-1] == 1 for e in examples)
    for side in ("left", "right"):
        batch = data.collate(examples, tokenizer.pad_token_id, side)
        assert batch["attention_mask"].sum(1).tolist() == [len(e["input_ids"]) for e in examples]
        ends = (batch["input_ids"] == tokenizer.eos_token_id) & (batch["mask"] == 1)
        assert ends.sum(1).tolist() == [1, 1, 1]
    labeled = data.collate(data.encode_examples(tokenizer, RECORDS), tokenizer.pad_token_id)
    assert (labeled["labels"] == tokenizer.eos_token_id).sum(1).tolist() == [1, 1, 1]


def test_loss_of_a_padded_batch_is_that_of_transformers(loaded):
    model, tokenizer = loaded
    batch = data.collate(data.encode(tokenizer, RECORDS), tokenizer.pad_token_id)
    labels = batch["input_ids"].where(batch["mask"] == 1, -100)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        expected = model(**inputs, labels=labels).loss
    ours = losses.sft(
        logits_of(model, batch["input_ids"], batch["attention_mask"]), batch["input_ids"], batch["mask"]
    )
    assert ours.item() == pytest.approx(expected.item(), rel=1e-5)


def test_start_token_is_there_once_or_never(loaded, saved):
    model, tokenizer = loaded
    chat = render_chat(tokenizer, [{"role": "user", "content": "Hi"}])
    for prompt in ("Hi", chat):
        ids = data.encode(tokenizer, [{"prompt": prompt, "completion": " there"}])[0]["input_ids"]
        starts = ids.count(tokenizer.bos_token_id) if tokenizer.bos_token else 0
        assert starts == (1 if model.config.model_type == "gemma3_text" else 0)


def test_chat_prompt_of_smollm2_gets_no_second_start_token(saved):
    model, tokenizer = models.load(saved["smollm2"])
    tokenizer.chat_template = (
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    )
    prompt = render_chat(tokenizer, [{"role": "user", "content": "Hi"}])
    ids = data.encode(tokenizer, [{"prompt": prompt, "completion": "Hello."}])[0]["input_ids"]
    assert ids.count(tokenizer.bos_token_id) == 2  # a turn each
    assert ids.count(tokenizer.eos_token_id) == 2  # the user's turn, and what is learned
    assert generation.encode(model, tokenizer, [prompt])[0] == ids[: -len(tokenizer("Hello.").input_ids) - 1]


def test_row_at_the_context_limit_is_refused_with_its_number(loaded):
    model, tokenizer = loaded
    context = model.config.max_position_embeddings
    long = {"prompt": "cat " * context, "completion": " dog"}
    with pytest.raises(data.BadRecords, match="2"):
        data.encode(tokenizer, [RECORDS[0], long], context)
    settings = dict(lr=1e-3, steps=1, progress=False)
    with pytest.raises(ValueError, match=r"[Ee]xample 2 .*context"):
        training.train(model, data.encode(tokenizer, [RECORDS[0], long]), **settings)
    cut = data.encode(tokenizer, [RECORDS[0], long])
    cut[1] = {name: values[:context] for name, values in cut[1].items()}  # as truncation would
    with pytest.raises(ValueError, match=r"[Ee]xample 2 .*counts"):
        training.train(model, cut, **settings)


def test_tokenizer_reloaded_by_transformers_gives_the_same_ids(loaded, saved):
    _, tokenizer = loaded
    again = AutoTokenizer.from_pretrained(tokenizer.name_or_path)
    assert again(PROMPTS)["input_ids"] == tokenizer(PROMPTS)["input_ids"]
