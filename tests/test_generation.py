import pytest
import torch
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from course_utils import batching, generation
from course_utils.batching import end_ids, left_pad, logits_where, shared_prefix, token_parts
from course_utils.storage import onednn
from course_utils.tools import benchmark
from tests.helpers.tiny import tiny_llama

PROMPTS = ["The cat", "A much longer prompt about ships", "x", "Two words", "Question: why?\nAnswer:"]


@pytest.fixture(scope="module")
def tiny():
    return tiny_llama()


def test_nothing_in_nothing_out(tiny):
    assert generation.generate(*tiny, []) == []
    assert generation.logps(*tiny, [], []).shape == (0,)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_greedy_is_what_the_library_generates(tiny, batch_size):
    model, tokenizer = tiny
    rows = tokenizer(PROMPTS)["input_ids"]
    expected = benchmark.library_ids(model, rows, 24, 3)
    assert generation.continue_ids(model, rows, 24, batch_size=batch_size) == expected
    assert generation.generate(
        model, tokenizer, PROMPTS, 24, batch_size=batch_size
    ) == tokenizer.batch_decode(expected)


@pytest.mark.parametrize("batch_size", [2, 64])
def test_a_beginning_that_all_share_is_read_once(tiny, batch_size):
    model, tokenizer = tiny
    shots = "One shot after the other, which every prompt begins with.\n" * 3
    rows = tokenizer([shots + prompt for prompt in PROMPTS])["input_ids"]
    assert shared_prefix(rows) == len(tokenizer(shots)["input_ids"])
    read = []
    hook = model.register_forward_pre_hook(
        lambda module, args, given: read.append(given["input_ids"].numel()), with_kwargs=True
    )
    found = generation.continue_ids(model, rows, 24, batch_size=batch_size)
    hook.remove()
    assert found == benchmark.library_ids(model, rows, 24, 3)
    assert sum(read) < sum(map(len, rows))


@pytest.mark.parametrize("part", [1, 40, 1024])
@pytest.mark.parametrize("shots", ["", "One shot after the other, which every prompt begins with.\n"])
def test_rows_that_end_at_different_times_leave_and_change_nothing(tiny, monkeypatch, part, shots):
    """Read in parts of any size, with a shared beginning or without, and with many rows that leave early."""
    model, tokenizer = tiny
    monkeypatch.setattr(batching, "PART", part)
    rows = tokenizer([shots + f"{i} " + "ab" * (i % 7) for i in range(20)])["input_ids"]
    ends = model.generation_config.eos_token_id
    whole = generation.continue_ids(model, rows, 16)
    last = {ids[i % len(ids)] for i, ids in enumerate(whole) if ids}
    model.generation_config.eos_token_id = sorted(last)[:12]
    widths = []
    hook = model.register_forward_pre_hook(
        lambda module, args, given: widths.append(given["input_ids"].shape), with_kwargs=True
    )
    try:
        found = generation.continue_ids(model, rows, 16)
        hook.remove()
        assert found == benchmark.library_ids(model, rows, 16, 20)
    finally:
        model.generation_config.eos_token_id = ends
    steps = [count for count, width in widths if width == 1]
    assert len({len(ids) for ids in found}) > 3 and min(steps[-1], 20) < 20  # rows did leave


def test_rows_are_read_in_parts_of_similar_length():
    rows = [[0] * length for length in (60, 50, 50, 20, 20, 10)]
    parts = token_parts(rows)
    assert [i for part in parts for i in part] == list(range(6)) and len(parts) == 1
    small = [[0] * 600, [0] * 500, [0] * 400, [0] * 300]
    assert token_parts(small) == [range(0, 1), range(1, 3), range(3, 4)]


def test_places_of_rows_that_leave_are_filled_from_the_end():
    assert generation.staying([True, False, True, True]) == [0, 3, 2]
    assert generation.staying([False, False, True]) == [2]
    assert generation.staying([True, True, False]) == [0, 1]


def test_a_roomy_layer_holds_what_a_growing_one_does():
    from transformers.cache_utils import DynamicLayer

    torch.manual_seed(0)
    store = [torch.zeros(4, 2, 9, 3) for _ in range(2)]
    roomy, plain = batching.RoomyLayer(*store), DynamicLayer()
    for index in (None, torch.tensor([0, 3, 2]), torch.tensor([2])):
        if index is not None:
            for layer in (roomy, plain):
                layer.batch_select_indices(index)
        rows = 4 if index is None else len(index)
        new = torch.randn(rows, 2, 3, 3), torch.randn(rows, 2, 3, 3)
        for mine, theirs in zip(roomy.update(*new), plain.update(*new)):
            assert torch.equal(mine, theirs)
        assert roomy.get_seq_length() == plain.get_seq_length()


def test_rows_of_a_batch_are_told_before_each_pass(tiny):
    """And nothing that rows have in common is shared then, since each may be computed in its own way."""
    model, tokenizer = tiny
    rows = tokenizer(["the same beginning, thirty tokens and more " + p for p in PROMPTS])["input_ids"]
    told, passes = [], []
    hook = model.register_forward_pre_hook(
        lambda module, args, given: passes.append((told[-1], given["input_ids"].shape)), with_kwargs=True
    )
    found = generation.continue_ids(model, rows, 8, batch_size=2, before=lambda numbers: told.append(numbers))
    hook.remove()
    assert found == generation.continue_ids(model, rows, 8)
    assert all(len(numbers) == shape[0] for numbers, shape in passes)
    assert sum(shape[0] * shape[1] for _, shape in passes) >= sum(map(len, rows))


def test_logits_where_they_count(tiny):
    model, tokenizer = tiny
    ids = torch.tensor(tokenizer(["abcd", "efgh"])["input_ids"])
    counts = torch.tensor([[0, 1, 1, 0], [1, 0, 0, 1]]) == 1
    with torch.no_grad():
        whole = model(input_ids=ids).logits[counts]
        some = logits_where(model, counts, input_ids=ids)
    assert some.shape == (4, len(tokenizer)) and torch.allclose(some, whole, atol=1e-5)
    assert not model.lm_head._forward_pre_hooks


def test_scores_with_and_without_a_shared_beginning(tiny):
    model, tokenizer = tiny
    shots = "One shot after the other, which every prompt begins with.\n"
    told = [shots + prompt for prompt in PROMPTS], [" a", " longer one", "z", " b", " yes"]
    read = []
    hook = model.register_forward_pre_hook(
        lambda module, args, given: read.append(given["input_ids"].numel()), with_kwargs=True
    )
    once = generation.logps(model, tokenizer, *told)
    shared = sum(read)
    whole = generation.logps(model, tokenizer, *told, share=False)
    hook.remove()
    assert torch.allclose(once, whole, atol=1e-4)
    assert shared < 0.6 * (sum(read) - shared)
    same = generation.logps(model, tokenizer, [shots] * 2, [" yes", " no"])  # nothing else in the prompt
    assert torch.allclose(same, generation.logps(model, tokenizer, [shots] * 2, [" yes", " no"], share=False))


@pytest.mark.skipif(not onednn.available(), reason="this PyTorch has no oneDNN")
def test_wide_layers_compute_by_onednn_and_say_the_same():
    torch.manual_seed(0)
    sizes = dict(vocab_size=300, hidden_size=192, intermediate_size=256, num_hidden_layers=2)
    heads = dict(num_attention_heads=3, num_key_value_heads=1)
    shape = LlamaConfig(**sizes, **heads, eos_token_id=None, initializer_range=0.2)
    model = LlamaForCausalLM(shape).eval()
    rows = [torch.randint(1, 300, (n,)).tolist() for n in (3, 17, 30, 30, 9)]
    calls, real = [], onednn.product
    for least in (0, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(onednn, "TOKENS", least)
            patch.setattr(onednn, "product", lambda *given: calls.append(1) or real(*given))
            assert generation.continue_ids(model, rows, 12) == benchmark.library_ids(model, rows, 12, 5)
        assert bool(calls) is (least == 0)
        calls.clear()
    assert not any("forward" in module.__dict__ for module in model.modules())


def test_shared_prefix_leaves_each_row_something():
    assert shared_prefix([[1, 2, 3], [1, 2, 3]], least=1) == 2
    assert shared_prefix([[1, 2, 3]], least=1) == 0
    assert shared_prefix([[1, 2, 3], [2, 2, 3]], least=1) == 0
    assert shared_prefix([[1, 2, 3], [1, 2, 4]], least=3) == 0


def test_rows_end_at_any_of_the_end_tokens(tiny):
    model, tokenizer = tiny
    rows, ends = tokenizer(PROMPTS)["input_ids"], model.generation_config.eos_token_id
    whole = generation.continue_ids(model, rows, 24)
    model.generation_config.eos_token_id = [whole[0][3], whole[1][7], whole[3][5]]
    try:
        assert end_ids(model) == set(model.generation_config.eos_token_id)
        cut = generation.continue_ids(model, rows, 24)
        assert cut == benchmark.library_ids(model, rows, 24, 5)
    finally:
        model.generation_config.eos_token_id = ends
    assert len({len(row) for row in cut}) > 2 and len(cut[0]) <= 3


@pytest.mark.parametrize("length", [1, 2, 3])
def test_stop_strings_cut_the_text_before_them(tiny, length):
    whole = generation.generate(*tiny, PROMPTS, 24)
    stop = whole[0][5 : 5 + length]
    expected = [text.split(stop)[0] for text in whole]
    assert generation.generate(*tiny, PROMPTS, 24, stop=stop) == expected
    assert generation.generate(*tiny, PROMPTS, 24, stop=[stop, "never in there"]) == expected


def test_stopping_saves_work(tiny):
    model, tokenizer = tiny
    calls, text = [], generation.generate(*tiny, ["x"], 24)[0]
    hook = model.register_forward_hook(lambda *_: calls.append(1))
    generation.generate(model, tokenizer, ["x"], 24, stop=text[0])
    hook.remove()
    assert len(calls) == 1


def test_samples_depend_on_the_seed_and_not_on_the_batch(tiny):
    def draw(**more):
        return generation.generate(*tiny, PROMPTS * 3, 12, temperature=1.5, **more)

    assert draw() == draw(batch_size=4) and draw() != draw(seed=1)
    assert len(set(draw())) > len(PROMPTS)
    assert draw(top_k=1) == generation.generate(*tiny, PROMPTS * 3, 12)


def test_sample_follows_the_probabilities():
    logits = torch.tensor([0.5, 0.25, 0.125, 0.125]).log().expand(40_000, 4)
    draws = torch.rand(40_000, generator=torch.Generator().manual_seed(0))
    shares = generation.sample(logits, draws, 1.0).bincount(minlength=4) / 40_000
    assert torch.allclose(shares, torch.tensor([0.5, 0.25, 0.125, 0.125]), atol=0.01)
    assert generation.sample(logits, draws, 1.0, top_k=2).max() == 1
    assert generation.sample(logits[:2], torch.tensor([0.0, 1 - 2**-24]), 1.0).tolist() == [0, 3]


def test_lora_and_dropout(tiny):
    model, tokenizer = tiny_llama()
    plain = generation.generate(model, tokenizer, PROMPTS, 8)
    wrapped = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"], lora_dropout=0.9)).train()
    assert generation.generate(wrapped, tokenizer, PROMPTS, 8) == plain
    assert wrapped.training
    for name, weight in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    changed = generation.generate(wrapped, tokenizer, PROMPTS, 8)
    assert changed != plain
    assert changed == generation.generate(wrapped.merge_and_unload(), tokenizer, PROMPTS, 8)


def test_peft_soft_prompts_are_refused():
    model, tokenizer = tiny_llama()
    wrapped = get_peft_model(model, PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3))
    with pytest.raises(ValueError, match="soft_prompts"):
        generation.generate(wrapped, tokenizer, ["x"])


def test_bad_calls_are_sentences(tiny):
    with pytest.raises(ValueError, match="Prompt 1 is empty"):
        generation.generate(*tiny, ["x", ""])
    with pytest.raises(TypeError, match="list of strings"):
        generation.generate(*tiny, "x")
    with pytest.raises(ValueError, match="Prompt 0 needs 301 tokens.*holds 256"):
        generation.generate(*tiny, ["x" * 300])
    with pytest.raises(ValueError, match="temperature"):
        generation.generate(*tiny, ["x"], temperature=-1)
    with pytest.raises(ValueError, match="2 prompts but 1"):
        generation.logps(*tiny, ["x", "y"], ["z"])
    with pytest.raises(ValueError, match="Completion 1 is empty"):
        generation.logps(*tiny, ["x", "y"], ["z", ""])


def test_generation_ends_with_the_context(tiny):
    model, tokenizer = tiny
    new = generation.continue_ids(model, tokenizer(["y" * 250, "x"])["input_ids"], 12)
    assert [len(ids) for ids in new] == [6, 12]


def test_learned_positions_end_with_the_context(tiny):
    """Rows that have ended stay in the batch for a while; a table of positions ends with the context."""
    torch.manual_seed(0)
    told = dict(vocab_size=len(tiny[1]), n_positions=64, n_embd=32, n_layer=2, n_head=4, eos_token_id=None)
    model = GPT2LMHeadModel(GPT2Config(**told, bos_token_id=None)).eval()
    rows = [*tiny[1](["x", "ab", "c"] * 20)["input_ids"], *tiny[1](["y" * 60])["input_ids"]]
    new = generation.continue_ids(model, rows, 12)
    assert [len(ids) for ids in new] == [12] * 60 + [4]
    assert new[0] == generation.continue_ids(model, rows[:1], 12)[0]


def test_next_token(tiny):
    model, tokenizer = tiny
    top = generation.next_token(model, tokenizer, "The cat", k=300)
    probabilities = [p for _, p in top]
    assert probabilities == sorted(probabilities, reverse=True) and sum(probabilities) == pytest.approx(
        1, abs=1e-4
    )
    assert top[0][0] == generation.generate(model, tokenizer, ["The cat"], 1)[0]
    assert generation.next_token(model, tokenizer, "The cat", 3, temperature=0.5)[0][1] > top[0][1]
    with pytest.raises(ValueError, match="above 0"):
        generation.next_token(model, tokenizer, "x", temperature=0)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_logps_are_sums_over_the_completion(tiny, batch_size):
    model, tokenizer = tiny
    completions = [" a", " longer one", "z", " b", " yes"]
    expected = []
    for prompt, completion in zip(PROMPTS, completions):
        start, tail = tokenizer(prompt)["input_ids"], tokenizer(completion)["input_ids"]
        with torch.no_grad():
            steps = model(torch.tensor([start + tail])).logits[0].log_softmax(-1)  # (T, V)
        expected.append(sum(steps[len(start) + i - 1, token].item() for i, token in enumerate(tail)))
    got = generation.logps(model, tokenizer, PROMPTS, completions, batch_size)
    assert got.tolist() == pytest.approx(expected, abs=1e-3)


def test_choose(tiny):
    options = ["yes", "no", "perhaps so"]
    picked = generation.choose(*tiny, PROMPTS, options)
    for prompt, index in zip(PROMPTS, picked):
        scores = generation.logps(*tiny, [prompt] * 3, [f" {option}" for option in options])
        assert index == int(scores.argmax())
    assert generation.choose(*tiny, PROMPTS[:2], [options, ["only"]]) == [picked[0], 0]
    assert generation.choose(*tiny, [], options) == []


def test_left_pad():
    ids, mask, positions = left_pad([[5, 6, 7], [8]], "cpu")
    assert ids.tolist() == [[5, 6, 7], [0, 0, 8]]
    assert mask.tolist() == [[1, 1, 1], [0, 0, 1]]
    assert positions.tolist() == [[0, 1, 2], [0, 0, 0]]


def test_progress_bar(tiny, capsys):
    generation.generate(*tiny, PROMPTS, 2, progress=True)
    assert "5/5" in capsys.readouterr().err
