"""Prompts in, text out: batched generation, next-token probabilities, scores of completions.

    python -m course_utils.tools.benchmark        tokens per second beside model.generate

One loop over the model's own forward pass. Rows that have ended leave the batch, prompts are read in
parts of similar length, what all of them begin with (a system prompt, the shots of a few-shot prompt)
is read once, and products go through oneDNN; that is where the speed comes from. Left out on purpose:
beam search, nucleus sampling, compiled models, and soft prompts made by PEFT, whose left-padded
batches are silently wrong (course_utils.peft.soft_prompts has its own).
"""

import itertools

import torch
from torch.nn.functional import cross_entropy
from tqdm.auto import tqdm

from course_utils.batching import (
    Prefix,
    batches,
    check_lengths,
    context_length,
    encode,
    end_ids,
    evaluating,
    left_pad,
    logits_where,
    plain_cache,
    read,
    shared_prefix,
    token_parts,
)
from course_utils.storage import onednn


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
def continue_ids(model, rows, max_new_tokens, pick=None, stopped=None, batch_size=64, tick=None, before=None):
    """New token ids for each row of prompt ids, the end token not included: list of lists.

    pick(logits (B, V), row numbers, step) -> ids (B,), greedy if None; stopped(row number, new
    ids) -> bool; tick(count) is told how many rows have ended. before(row numbers) is called with
    the rows of the next forward passes, for models that compute rows differently: then none shares a
    beginning with another.
    """
    ends, context = end_ids(model), context_length(model)
    new = [[] for _ in rows]
    shares = len(rows) > 1 and before is None and plain_cache(model)
    shared = shared_prefix(rows) if shares else 0
    work = sum(map(len, rows)) - shared * len(rows) + max_new_tokens * len(rows)
    with evaluating(model), onednn.packed(model, work):
        prefix = Prefix(model, rows[0][:shared] if rows else [])
        for batch in batches(rows, batch_size):
            # 1) Read the prompts.
            announce = before and (lambda places, batch=batch: before([batch[place] for place in places]))
            prompts = [rows[i] for i in batch]
            logits, cache, mask, positions = read(model, prompts, prefix, max_new_tokens, announce)
            width, active = mask.shape[1] - max_new_tokens, list(batch)
            if before:
                before(active)
            for step in range(max_new_tokens):
                # 2) Choose a token for each row, and see which rows end with it.
                chosen = logits.argmax(-1) if pick is None else pick(logits, active, step)  # (B,)
                alive = []
                for row, token in zip(active, chosen.tolist()):
                    if token not in ends:
                        new[row].append(token)
                    full = len(rows[row]) + len(new[row]) >= context
                    alive.append(not (token in ends or full or (stopped and stopped(row, new[row]))))
                if tick:
                    tick(alive.count(False))
                if not any(alive) or step == max_new_tokens - 1:
                    break
                # 3) Rows that have ended leave.
                if not all(alive):
                    keep = staying(alive)
                    index = torch.tensor(keep, device=chosen.device)
                    chosen, positions, mask = chosen[index], positions[index], mask[index]
                    cache.batch_select_indices(index)
                    active = [active[place] for place in keep]
                    if before:
                        before(active)
                # 4) The others go through the model with their new token.
                positions = positions + 1  # (B, 1)
                out = model(
                    input_ids=chosen[:, None],
                    attention_mask=mask[:, : width + step + 1],
                    position_ids=positions,
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
                logits, cache = out.logits[:, -1], out.past_key_values  # (B, V)
            if tick:
                tick(sum(alive))  # cut at max_new_tokens
    return new


def staying(alive):
    """The places of rows that stay, where the last ones move into the places of those that leave."""
    count = sum(alive)
    last = [place for place in range(count, len(alive)) if alive[place]]
    return [place if alive[place] else last.pop() for place in range(count)]


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
def logps(model, tokenizer, prompts, completions, batch_size=64, share=True):
    """Summed log-probability (nats) of each completion after its prompt, without gradient: (B,).

    Prompt and completion are tokenised apart, so start a completion with its space. share: what all
    prompts begin with is read once.
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
    shared = shared_prefix(rows) if share and len(rows) > 1 and plain_cache(model) else 0
    shared = min([shared, *(len(start) - 1 for start in starts)])  # a row's own ids predict its completion
    with evaluating(model), onednn.packed(model, sum(map(len, rows)) - shared * len(rows)):
        prefix = Prefix(model, rows[0][:shared] if shared else [])
        for batch in batches(rows, batch_size):
            own = [rows[i][shared:] for i in batch]
            for part in token_parts(own):
                numbers = batch[part.start : part.stop]
                ids, mask, positions = left_pad(own[part.start : part.stop], model.device)  # (B, T)
                lengths = torch.tensor([len(tails[i]) for i in numbers], device=ids.device)
                scored = torch.arange(ids.shape[1], 0, -1, device=ids.device) <= lengths[:, None]  # (B, T)
                logits = logits_where(  # (N, V)
                    model,
                    scored.roll(-1, 1),  # a token is foretold by the one before it
                    input_ids=ids,
                    attention_mask=torch.cat([mask.new_ones(len(ids), shared), mask], 1),
                    position_ids=positions + shared,
                    past_key_values=prefix.cache(len(ids)),
                    use_cache=bool(shared),
                )
                each = -cross_entropy(logits.float(), ids[scored], reduction="none")  # (N,)
                places = scored.nonzero()[:, 0]  # each token's row
                sums[numbers] = torch.zeros(len(ids), device=ids.device).index_add(0, places, each).cpu()
    return sums


def choose(model, tokenizer, prompts, options, batch_size=64):
    """Index of the most likely option after each prompt and one space: list of int.

    options: one list for all prompts, or one list per prompt. Log-probabilities are summed, not
    averaged, so a longer option pays for each of its tokens.
    """
    if options and isinstance(options[0], str):
        options = [options] * len(prompts)
    pairs = [
        (prompt, f" {option}") for prompt, group in zip(prompts, options, strict=True) for option in group
    ]
    scores = iter(logps(model, tokenizer, [p for p, _ in pairs], [c for _, c in pairs], batch_size).tolist())
    groups = [list(itertools.islice(scores, len(group))) for group in options]
    return [group.index(max(group)) for group in groups]
