"""Writes tiny Hugging Face folders: a llama with random weights, and a PEFT adapter for it."""
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
