"""Prompts in, text out: batched generation, next-token probabilities, scores of completions.

    python -m course_utils.generation --benchmark        tokens per second beside model.generate

One loop over the model's own forward pass. Rows that have ended leave the batch, batches are made
of prompts of similar length, and what all prompts of a batch begin with (the shots of a few-shot
prompt) is read once; that is where the speed comes from. Left out on purpose: beam
search, nucleus sampling, compiled or static caches, and soft prompts made by PEFT, whose
left-padded batches are silently wrong (course_utils.soft_prompts has its own).
"""

import argparse
import itertools

import torch
from tqdm.auto import tqdm

from course_utils.batching import (
    batches,
    check_lengths,
    context_length,
    encode,
    end_ids,
    evaluating,
    left_pad,
    shared_prefix,
    sliding_window,
)

DROP_SHARE = 1 / 12  # ended rows leave once they are this share: each departure copies the cache


def generate(
    model,
    tokenizer,
    prompts,
    max_new_tokens=32,
    stop=None,
    temperature=0.0,
    batch_size=64,
    progress=False,
    seed=0,
    top_k=None,
):
    """Continuations of a list of prompts, in their order, without the prompts: list of str.

    stop: a string or several; the text is cut before the first. temperature: 0 takes the most
    likely token, above 0 samples (from the `top_k` most likely, if given). A sample depends on
    seed and place in the list, not on batch_size. A row also ends at the end token or at the
    model's context. Raises ValueError for an empty prompt or one as long as the context.
    """
    if temperature < 0 or max_new_tokens < 1:
        raise ValueError("temperature must not be negative, and max_new_tokens must be 1 or more.")
    rows = encode(model, tokenizer, prompts)
    stops = [s for s in ([stop] if isinstance(stop, str) else stop or []) if s]
    pieces = {}  # text of each token met so far

    def text_of(row, ids):
        # Decoded behind the prompt's last token: some tokenizers drop a leading space otherwise.
        before = tokenizer.decode(rows[row][-1:], skip_special_tokens=True)
        return tokenizer.decode(rows[row][-1:] + ids, skip_special_tokens=True)[len(before) :]

    def stopped(row, ids):
        if ids[-1] not in pieces:
            pieces[ids[-1]] = tokenizer.decode(ids[-1:])
        piece = pieces[ids[-1]]
        if not any(s[-1] in piece or s[-1] == " " or "\ufffd" in piece for s in stops):
            return False  # this token cannot be the end of a stop string
        text = text_of(row, ids)
        return any(s in text for s in stops)

    draws = torch.rand(len(rows), max_new_tokens, generator=torch.Generator().manual_seed(seed))

    def pick(logits, indices, step):
        if temperature == 0:
            return logits.argmax(-1)
        return sample(logits, draws[indices, step].to(logits.device), temperature, top_k)

    with tqdm(total=len(rows), disable=not progress, desc="generating", unit="prompt") as bar:
        new = continue_ids(
            model, rows, max_new_tokens, pick, stopped if stops else None, batch_size, bar.update
        )
    texts = [text_of(row, ids) for row, ids in enumerate(new)]
    return [min((text.split(s)[0] for s in stops), key=len, default=text) for text in texts]


@torch.inference_mode()
def continue_ids(model, rows, max_new_tokens, pick=None, stopped=None, batch_size=64, tick=None):
    """New token ids for each row of prompt ids, the end token not included: list of lists.

    pick(logits (B, V), row numbers, step) -> ids (B,), greedy if None; stopped(row number, new
    ids) -> bool; tick(count) is told how many rows have ended.
    """
    ends, context = end_ids(model), context_length(model)
    new = [[] for _ in rows]
    with evaluating(model):
        for batch in batches(rows, batch_size):
            shared = shared_prefix([rows[i] for i in batch])
            if len(rows[batch[0]]) + max_new_tokens > sliding_window(model):
                shared = 0  # the pads behind the shared text would push it out of the window
            ids, mask, positions = left_pad([rows[i][shared:] for i in batch], model.device)  # (B, T)
            cache = _read(model, rows[batch[0]][:shared], len(batch)) if shared else None
            width, positions = shared + ids.shape[1], positions + shared
            before = mask.new_ones(len(batch), shared)
            mask = torch.cat([before, mask, mask.new_ones(len(batch), max_new_tokens)], 1)
            active, alive = list(batch), [True] * len(batch)
            for step in range(max_new_tokens):
                out = model(
                    input_ids=ids,
                    attention_mask=mask[:, : width + step],
                    position_ids=positions,
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
                logits, cache = out.logits[:, -1], out.past_key_values  # (B, V)
                chosen = logits.argmax(-1) if pick is None else pick(logits, active, step)
                ids, positions = chosen[:, None], positions[:, -1:] + 1  # (B, 1)
                positions = positions.clamp(max=int(min(context, 1e9)) - 1)  # rows that have ended go along
                for j, (row, token) in enumerate(zip(active, chosen.tolist())):
                    if not alive[j]:
                        continue
                    if token not in ends:
                        new[row].append(token)
                    full = len(rows[row]) + len(new[row]) >= context
                    alive[j] = not (token in ends or full or (stopped and stopped(row, new[row])))
                if not any(alive):
                    break
                if alive.count(False) >= max(1, DROP_SHARE * len(alive)):
                    keep = [j for j, on in enumerate(alive) if on]
                    index = torch.tensor(keep, device=ids.device)
                    ids, positions, mask = ids[index], positions[index], mask[index]
                    cache.batch_select_indices(index)
                    active, alive = [active[j] for j in keep], [True] * len(keep)
            if tick:
                tick(len(batch))
    return new


def _read(model, ids, count):
    """The keys and values of a text that `count` rows begin with, read once."""
    out = model(input_ids=torch.tensor([ids], device=model.device), use_cache=True, logits_to_keep=1)
    out.past_key_values.batch_repeat_interleave(count)
    return out.past_key_values


def sample(logits, draws, temperature, top_k=None):
    """One token per row by inverse transform: logits (B, V), uniform draws (B,) in [0, 1) -> (B,)."""
    logits = logits.float() / temperature
    if top_k:
        least = logits.topk(min(top_k, logits.shape[-1])).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    cumulative = logits.softmax(-1).cumsum(-1)
    return torch.searchsorted(cumulative / cumulative[:, -1:], draws[:, None], right=True)[:, 0]


@torch.inference_mode()
def next_token(model, tokenizer, text, k=10, temperature=1.0):
    """The k most likely next tokens: list of (the text that the token would add, probability)."""
    if temperature <= 0:
        raise ValueError("temperature must be above 0; towards 0 the most likely token takes all.")
    ids = torch.tensor(encode(model, tokenizer, [text]), device=model.device)  # (1, T)
    with evaluating(model):
        logits = model(input_ids=ids, logits_to_keep=1).logits[0, -1].float()  # (V,)
    top = (logits / temperature).softmax(-1).topk(min(k, len(logits)))
    last = ids[0, -1:].tolist()
    known = len(tokenizer.decode(last))
    added = [tokenizer.decode([*last, i])[known:] for i in top.indices.tolist()]
    return list(zip(added, top.values.tolist(), strict=True))


@torch.inference_mode()
def logps(model, tokenizer, prompts, completions, batch_size=64):
    """Summed log-probability (nats) of each completion after its prompt, without gradient: (B,).

    Prompt and completion are tokenised apart, so start a completion with its space.
    """
    starts = encode(model, tokenizer, prompts)
    tails = tokenizer(list(completions), add_special_tokens=False)["input_ids"] if completions else []
    if len(starts) != len(tails):
        raise ValueError(f"{len(starts)} prompts but {len(tails)} completions: give one for each.")
    if not all(tails):
        raise ValueError(f"Completion {tails.index([])} is empty, so it has no probability to sum.")
    rows = [start + tail for start, tail in zip(starts, tails)]
    check_lengths(rows, context_length(model))
    sums = torch.zeros(len(rows))
    with evaluating(model):
        for batch in batches(rows, batch_size):
            ids, mask, positions = left_pad([rows[i] for i in batch], model.device)  # (B, T)
            lengths = torch.tensor([len(tails[i]) for i in batch], device=ids.device)
            longest = int(lengths.max())
            out = model(
                input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=longest + 1
            )
            steps = out.logits[:, :-1].float().log_softmax(-1)  # (B, longest, V)
            each = steps.gather(-1, ids[:, -longest:, None])[..., 0]  # (B, longest)
            counts = torch.arange(longest, 0, -1, device=ids.device) <= lengths[:, None]
            sums[batch] = each.where(counts, 0.0).sum(-1).cpu()
    return sums


def choose(model, tokenizer, prompts, options, batch_size=64):
    """Index of the most likely option after each prompt and one space: list of int.

    options: one list for all prompts, or one list per prompt. Log-probabilities are summed, not
    averaged, so a longer option pays for each of its tokens.
    """
    if options and isinstance(options[0], str):
        options = [options] * len(prompts)
    pairs = [(prompt, f" {option}") for prompt, some in zip(prompts, options, strict=True) for option in some]
    scores = iter(logps(model, tokenizer, [p for p, _ in pairs], [c for _, c in pairs], batch_size).tolist())
    groups = [list(itertools.islice(scores, len(some))) for some in options]
    return [group.index(max(group)) for group in groups]


if __name__ == "__main__":
    from course_utils.benchmark import generation

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--benchmark", action="store_true", required=True)
    parser.parse_args()
    generation()
