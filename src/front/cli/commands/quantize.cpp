// kinglet quantize: a model file with its matrices in smaller types.
#include <array>

#include "front/cli/commands/commands.h"
#include "front/cli/human.h"
#include "front/cli/interrupt.h"
#include "front/cli/model_argument.h"
#include "front/cli/progress.h"
#include "home/system/file.h"
#include "model/convert/quantize.h"
#include "model/format/printable.h"

namespace kinglet::cli {
namespace {

std::string shape_of(const format::TensorEntry& tensor) {
  std::string text;
  for (uint32_t i = tensor.n_dims; i-- > 0;) text += str(text.empty() ? "" : " x ", tensor.dims[i]);
  return text;
}

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string with_digits(const char* form, double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), form, value);
  return text.data();
}

class Quantize final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("IN", in_, "A name, a GGUF file, or a Hugging Face folder").is_model = true;
    arguments.argument("OUT", out_, "The GGUF file to write").is_file = true;
    arguments.argument("TYPE", type_, "The mixture of types, such as Q4_K_M");
    arguments.option("--imatrix", "FILE", importance_, "An importance matrix, which weighs errors").is_file = true;
    arguments.option("--tensor", "PATTERN=TYPE", rules_,
                     "The type of tensors in whose name PATTERN is found; * stands for any characters");
    arguments.flag("--pure", pure_, "Give all matrices the main type instead of the mixture");
    arguments.flag("--leave-output", leave_output_, "Keep output.weight as it is");
    arguments.flag("--json", json_, "The figures as a JSON document");
  }

  void run(Session& session) override {
    const convert::Mixture& mixture = convert::mixture_named(type_);
    std::vector<convert::TensorRule> rules;
    for (const std::string& rule : rules_) rules.push_back(convert::parse_tensor_rule(rule));
    std::optional<convert::ImportanceMatrix> importance;
    if (!importance_.empty()) importance = convert::read_importance(importance_);
    const auto file = open(session);
    models::Model::check(*file);
    const auto choices = convert::choose_formats(
        *file, mixture,
        {.rules = rules, .pure = pure_, .leave_output = leave_output_, .has_importance = importance.has_value()});
    convert::check_importance(choices, importance ? &*importance : nullptr);
    note_sources(session, choices);
    require_room(out_, convert::quantized_size(choices));

    InterruptWatch interrupt;
    ProgressLine line(session.shows_progress());
    std::vector<convert::QuantizedTensor> figures;
    convert::QuantizeOptions options;
    options.mixture = &mixture;
    options.importance = importance ? &*importance : nullptr;
    options.importance_path = importance_;
    options.progress = [&](uint64_t done_bytes, uint64_t total_bytes) {
      line.show("Quantizing", done_bytes, total_bytes);
      return !interrupt.requested();
    };
    options.done = [&](const convert::QuantizedTensor& tensor) { figures.push_back(tensor); };
    system::AtomicFile written(out_);
    convert::quantize(*file, choices, options, session.table(), session.pool(), [&](std::span<const std::byte> bytes) {
      interrupt.check();
      written.write(bytes);
    });
    written.commit();
    line.finish();
    json_ ? print_json(session, mixture, figures, written.size()) : print(session, mixture, figures, written.size());
  }

 private:
  std::shared_ptr<const format::ModelFile> open(Session& session) const {
    const ModelSource source = find_model(session, in_);
    require_other_file(out_, source);
    return open_as_file(source);
  }

  static void note_sources(const Session& session, std::span<const convert::TensorChoice> choices) {
    size_t n_again = 0;
    size_t n_fallbacks = 0;
    for (const convert::TensorChoice& choice : choices) {
      if (choice.format != choice.tensor->format && choice.tensor->format->block_len > 1) ++n_again;
      if (choice.is_fallback) ++n_fallbacks;
    }
    if (n_again > 0) {
      session.note(str("kinglet: ", n_again, n_again == 1 ? " tensor is" : " tensors are",
                       " quantized already; what is lost a second time adds to the first. A 16-bit or 32-bit file "
                       "gives a better one."));
    }
    if (n_fallbacks > 0) {
      session.note(str("kinglet: ", n_fallbacks,
                       n_fallbacks == 1 ? " tensor has rows that are no whole blocks of its type and gets another one."
                                        : " tensors have rows that are no whole blocks of their type and get another "
                                          "one."));
    }
  }

  static double bits_per_weight(std::span<const convert::QuantizedTensor> figures) {
    double bytes = 0;
    double weights = 0;
    for (const convert::QuantizedTensor& figure : figures) {
      bytes += static_cast<double>(figure.size_bytes);
      weights += static_cast<double>(figure.choice->tensor->dims[0] * figure.choice->tensor->n_rows());
    }
    return bytes * 8 / weights;
  }

  void print(Session& session, const convert::Mixture& mixture, std::span<const convert::QuantizedTensor> figures,
             uint64_t file_bytes) const {
    size_t width = 6;
    size_t shape_width = 5;
    for (const auto& figure : figures) {
      width = std::max(width, figure.choice->tensor->name.size());
      shape_width = std::max(shape_width, shape_of(*figure.choice->tensor).size());
    }
    Output& out = session.out();
    out.write(str(padded("TENSOR", width), "  ", padded("SHAPE", shape_width), "  FROM   TO      BITS    RMSE\n"));
    for (const auto& figure : figures) {
      const format::TensorEntry& tensor = *figure.choice->tensor;
      const quant::Format& to = *figure.choice->format;
      const bool is_kept = tensor.format == &to;
      const double bits = static_cast<double>(to.block_bytes) * 8 / static_cast<double>(to.block_len);
      out.write(str(padded(format::printable(std::string(tensor.name)), width), "  ",
                    padded(shape_of(tensor), shape_width), "  ", padded(std::string(tensor.format->name), 5), "  ",
                    padded(std::string(to.name), 6), "  ", padded(with_digits("%.4g", bits), 6), "  ",
                    is_kept ? "-" : with_digits("%.4e", figure.rmse), "\n"));
    }
    out.write(str(mixture.name, ": ", human_bytes(file_bytes), ", ", with_digits("%.3f", bits_per_weight(figures)),
                  " bits per weight\n"));
  }

  void print_json(Session& session, const convert::Mixture& mixture, std::span<const convert::QuantizedTensor> figures,
                  uint64_t file_bytes) const {
    system::Json document;
    document.set("type", std::string(mixture.name));
    document.set("size_bytes", file_bytes);
    document.set("bits_per_weight", bits_per_weight(figures));
    system::Json tensors{system::JsonArray{}};
    for (const auto& figure : figures) {
      const format::TensorEntry& tensor = *figure.choice->tensor;
      const quant::Format& to = *figure.choice->format;
      system::Json row;
      row.set("name", std::string(tensor.name));
      row.set("from", std::string(tensor.format->name));
      row.set("to", std::string(to.name));
      row.set("size_bytes", figure.size_bytes);
      row.set("bits_per_weight", static_cast<double>(to.block_bytes) * 8 / static_cast<double>(to.block_len));
      row.set("rmse", figure.rmse);
      tensors.push(std::move(row));
    }
    document.set("tensors", std::move(tensors));
    session.out().write(document.dump(-1) + '\n');
  }

  std::string in_;
  std::string out_;
  std::string type_;
  std::string importance_;
  std::vector<std::string> rules_;
  bool pure_ = false;
  bool leave_output_ = false;
  bool json_ = false;
};

}  // namespace

Command quantize_command() {
  return {"quantize",
          "",
          "Write a model file with its matrices in smaller types",
          "TYPE is a mixture as the field names them: most matrices get its main type, the sensitive ones keep more "
          "bits, and norms and vectors stay as they are; the choices are llama.cpp's. Of each tensor the table says "
          "the bits per weight and the root mean square error. A file that is quantized already may be quantized "
          "again, with a warning. Every value is read: NaN or infinity is refused, and the tensor is named. Memory "
          "does not grow with the model.",
          "kinglet quantize ./SmolLM2-135M smollm2.gguf Q4_K_M\n"
          "kinglet quantize f16.gguf small.gguf IQ4_XS --imatrix importance.gguf\n"
          "kinglet quantize f16.gguf mixed.gguf Q4_K_M --tensor ffn_down=Q6_K --tensor 'blk.0.*=Q8_0'",
          make_action<Quantize>};
}

}  // namespace kinglet::cli
