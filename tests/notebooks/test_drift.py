"""Names of the large libraries: all exist in the pinned versions, and a lost one would be seen."""

import subprocess
import sys

from tests.helpers import drift


def test_every_name_exists_in_the_pinned_versions():
    """In a process of its own: other tests put stand-ins into the libraries."""
    done = subprocess.run([sys.executable, drift.__file__], cwd=drift.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-500:]
    assert int(done.stdout.split(" names and")[0].split()[-1]) > 100


def test_what_is_read_from_a_text():
    text = "import torch\nfrom torch.nn import functional as F\nimport trl.trainer as t\n"
    text += "F.gelu(torch.nn.ReLU)\nt.x.y"
    assert drift.names(text) == {
        "torch",
        "torch.nn",
        "torch.nn.functional",
        "torch.nn.functional.gelu",
        "torch.nn.ReLU",
        "trl.trainer",
        "trl.trainer.x",
        "trl.trainer.x.y",
    }


def test_a_lost_name_is_seen():
    assert drift.exists("torch.nn.functional.softmax") and drift.exists("torch.optim.AdamW")
    assert not drift.exists("torch.nn.functional.softmaxx") and not drift.exists("torch.nowhere.x")
    assert not drift.exists("transformers.AutoModelForNothing") and not drift.exists("trl.PPOTrainerX")


def test_a_lost_keyword_is_seen():
    text = (
        "from trl import SFTConfig as C\nimport torch\nC(bf16=False, nothing=1)\ntorch.optim.AdamW([], lr=1)"
    )
    found = drift.keywords(text)
    assert found == {("trl.SFTConfig", "bf16"), ("trl.SFTConfig", "nothing"), ("torch.optim.AdamW", "lr")}
    assert [word for name, word in sorted(found) if not drift.takes(name, word)] == ["nothing"]
    assert drift.takes("transformers.AutoModel.from_pretrained", "anything")  # it takes all keywords
