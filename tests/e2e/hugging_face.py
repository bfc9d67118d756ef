"""Writes tiny Hugging Face folders: a llama and a BERT with random weights, and a PEFT adapter for the llama."""
import json
import math
import pathlib
import random
import struct

LAYER = "model.layers.0."
VOCAB_SIZE, HIDDEN, KV_SIZE, FFN = 40, 32, 16, 48


def write_safetensors(path, tensors):
    """tensors: name -> (shape, values)."""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        begin = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def tensor(draw, *shape):
    return list(shape), [draw.uniform(-0.5, 0.5) if len(shape) > 1 else 1.0 for _ in range(math.prod(shape))]


def make_folder(folder, **settings):
    """Makes it, with other settings in its config.json; the tensors as write_safetensors has them."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCAB_SIZE, "hidden_size": HIDDEN,
        "intermediate_size": FFN, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "hidden_act": "silu", "rope_theta": 10000.0,
        "tie_word_embeddings": True, **settings}))
    draw = random.Random(1)
    shapes = {"model.embed_tokens.weight": (VOCAB_SIZE, HIDDEN), "model.norm.weight": (HIDDEN,),
              LAYER + "input_layernorm.weight": (HIDDEN,), LAYER + "post_attention_layernorm.weight": (HIDDEN,),
              LAYER + "self_attn.q_proj.weight": (HIDDEN, HIDDEN), LAYER + "self_attn.k_proj.weight": (KV_SIZE, HIDDEN),
              LAYER + "self_attn.v_proj.weight": (KV_SIZE, HIDDEN), LAYER + "self_attn.o_proj.weight": (HIDDEN, HIDDEN),
              LAYER + "mlp.gate_proj.weight": (FFN, HIDDEN), LAYER + "mlp.up_proj.weight": (FFN, HIDDEN),
              LAYER + "mlp.down_proj.weight": (HIDDEN, FFN)}
    tensors = {name: tensor(draw, *shape) for name, shape in shapes.items()}
    write_safetensors(folder / "model.safetensors", tensors)
    return tensors


def make_adapter(folder, cols=HIDDEN):
    """A LoRA of rank 2 on q_proj; other `cols` than the model's do not fit it."""
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({
        "peft_type": "LORA", "r": 2, "lora_alpha": 8, "target_modules": ["q_proj"], "bias": "none"}))
    draw = random.Random(2)
    prefix = f"base_model.model.{LAYER}self_attn.q_proj."
    write_safetensors(folder / "adapter_model.safetensors", {
        prefix + "lora_A.weight": tensor(draw, 2, cols), prefix + "lora_B.weight": tensor(draw, HIDDEN, 2)})


WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz.", "bird", "sings", "small", "##s", "##ing"]


def make_bert(folder, n_labels=0):
    """With words in vocab.txt; with labels a classifier of texts."""
    folder.mkdir()
    labels = {"id2label": {str(i): f"L{i}" for i in range(n_labels)}} if n_labels else {}
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["BertForSequenceClassification" if n_labels else "BertModel"], "model_type": "bert",
        "vocab_size": len(WORDS), "hidden_size": HIDDEN, "intermediate_size": FFN, "num_hidden_layers": 1,
        "num_attention_heads": 4, "max_position_embeddings": 24, "type_vocab_size": 2, "layer_norm_eps": 1e-6,
        "hidden_act": "gelu", "pad_token_id": 0, **labels}))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"cls_token": "[CLS]", "sep_token": "[SEP]", "do_lower_case": True}))
    layer = "encoder.layer.0."
    shapes = {"embeddings.word_embeddings.weight": (len(WORDS), HIDDEN), "embeddings.position_embeddings.weight": (24, HIDDEN),
              "embeddings.token_type_embeddings.weight": (2, HIDDEN),
              layer + "intermediate.dense.weight": (FFN, HIDDEN), layer + "intermediate.dense.bias": (FFN,),
              layer + "output.dense.weight": (HIDDEN, FFN), layer + "output.dense.bias": (HIDDEN,)}
    for name in ("query", "key", "value"):
        shapes[f"{layer}attention.self.{name}.weight"] = (HIDDEN, HIDDEN)
        shapes[f"{layer}attention.self.{name}.bias"] = (HIDDEN,)
    shapes[layer + "attention.output.dense.weight"] = (HIDDEN, HIDDEN)
    shapes[layer + "attention.output.dense.bias"] = (HIDDEN,)
    for norm in ("embeddings.LayerNorm", layer + "attention.output.LayerNorm", layer + "output.LayerNorm"):
        shapes[norm + ".weight"] = shapes[norm + ".bias"] = (HIDDEN,)
    if n_labels:
        shapes = {"bert." + name: shape for name, shape in shapes.items()}
        shapes |= {"bert.pooler.dense.weight": (HIDDEN, HIDDEN), "bert.pooler.dense.bias": (HIDDEN,),
                   "classifier.weight": (n_labels, HIDDEN), "classifier.bias": (n_labels,)}
    draw = random.Random(3)
    write_safetensors(folder / "model.safetensors", {name: tensor(draw, *shape) for name, shape in shapes.items()})
