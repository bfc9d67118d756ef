#include "home/egress/transfer.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>

#include "core/base/base.h"

namespace kinglet::egress {
namespace {

constexpr size_t kMaxHeaderBytes = size_t{256} << 10;
constexpr size_t kMaxErrorBodyBytes = size_t{64} << 10;
constexpr long kWholeAnswerTimeoutMs = 120'000;  // of an answer that is held in memory
constexpr long kBufferBytes = 256L << 10;
constexpr int kAskEveryMs = 50;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string_view trimmed(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return "";
  return text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
}

bool is_good(int status) noexcept { return status >= 200 && status < 300; }

// The start in "bytes 100-199/200".
std::optional<uint64_t> start_of(std::string_view content_range) {
  if (!content_range.starts_with("bytes ")) return std::nullopt;
  content_range.remove_prefix(6);
  uint64_t start = 0;
  const auto [end, status] = std::from_chars(content_range.data(), content_range.data() + content_range.size(), start);
  if (status != std::errc() || end == content_range.data() + content_range.size() || *end != '-') return std::nullopt;
  return start;
}

// The library's own limit on slowness looks at the last five seconds only, and counts the time that a sink takes.
class StallClock {
 public:
  explicit StallClock(uint32_t timeout_ms) : timeout_(timeout_ms) {}
  /// Whether nothing has changed for too long; n_bytes: all that went either way.
  bool is_over(bool connected, uint64_t n_bytes) {
    const auto now = std::chrono::steady_clock::now();
    if (!connected || n_bytes != n_bytes_) {  // connecting has a limit of its own
      n_bytes_ = n_bytes;
      since_ = now;
    }
    return now - since_ > timeout_;
  }

 private:
  std::chrono::milliseconds timeout_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  uint64_t n_bytes_ = 0;
};

// A transfer under way. Exceptions do not cross the library: they wait in failure_.
class Transfer {
 public:
  explicit Transfer(const TransferPlan& plan) : plan_(plan) {}
  TransferResult run();

 private:
  static size_t take_header(char* data, size_t size, size_t n, void* self);
  static size_t take_body(char* data, size_t size, size_t n, void* self);
  static size_t give_model(char* data, size_t size, size_t n, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

  template <class Work>
  size_t guarded(size_t n, const Work& work) noexcept {
    try {
      work();
      return n;
    } catch (...) {
      result_.failure = std::current_exception();
      return CURL_WRITEFUNC_ERROR;
    }
  }
  void header_line(std::string_view line);
  void body_piece(std::span<const std::byte> bytes);
  void check_head();
  void set_options();
  CURLcode perform();
  [[noreturn]] void fail_with_code(CURLcode code) const;
  [[nodiscard]] long number(CURLINFO info) const;
  [[nodiscard]] curl_off_t offset(CURLINFO info) const;
  [[nodiscard]] std::string where() const;

  const TransferPlan& plan_;
  TransferResult result_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_{curl_easy_init(), &curl_easy_cleanup};
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_{curl_multi_init(), &curl_multi_cleanup};
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers_{nullptr, &curl_slist_free_all};
  std::array<char, CURL_ERROR_SIZE> message_{};
  size_t header_bytes_ = 0;
  uint64_t body_bytes_ = 0;
  uint64_t model_bytes_ = 0;  // sent
  bool head_is_checked_ = false;
  bool too_near_ = false;
  bool cancelled_ = false;
  bool stalled_ = false;
};

std::string Transfer::where() const { return str(plan_.url.host, " (port ", plan_.url.port, ")"); }

size_t Transfer::take_header(char* data, size_t size, size_t n, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  return transfer.guarded(size * n, [&] { transfer.header_line({data, size * n}); });
}

size_t Transfer::take_body(char* data, size_t size, size_t n, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  return transfer.guarded(size * n, [&] { transfer.body_piece(std::as_bytes(std::span(data, size * n))); });
}

size_t Transfer::give_model(char* data, size_t size, size_t n, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const ModelBytes& model = *transfer.plan_.request.model;
  try {
    const uint64_t n_left = std::min<uint64_t>(size * n, model.size - transfer.model_bytes_);
    if (n_left == 0) return 0;
    const size_t n_given = model.read(transfer.model_bytes_, std::as_writable_bytes(std::span(data, n_left)));
    transfer.model_bytes_ += n_given;
    return n_given;
  } catch (...) {
    transfer.result_.failure = std::current_exception();
    return CURL_READFUNC_ABORT;
  }
}

curl_socket_t Transfer::open_socket(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(self);
  const Reach reach = reach_of(address->addr);
  transfer.result_.reach = std::max(transfer.result_.reach, reach);
  if (reach < transfer.plan_.nearest) {
    transfer.too_near_ = true;
    return CURL_SOCKET_BAD;
  }
  const int fd = ::socket(address->family, address->socktype, address->protocol);
  if (fd >= 0) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

void Transfer::header_line(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kMaxHeaderBytes) {
    fail_with(ErrorCode::kNetwork, where(), ": the answer has more than ", kMaxHeaderBytes, " bytes of headers");
  }
  if (line.starts_with("HTTP/")) {  // begins anew behind 1xx answers
    result_.response.headers.clear();
    result_.response.status = 0;
    const std::string_view status = trimmed(line.substr(std::min(line.size(), line.find(' '))));
    std::from_chars(status.data(), status.data() + status.size(), result_.response.status);
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  result_.response.headers.push_back(
      {lower(trimmed(line.substr(0, colon))), std::string(trimmed(line.substr(colon + 1)))});
}

void Transfer::check_head() {
  if (head_is_checked_) return;
  head_is_checked_ = true;
  Response& response = result_.response;
  if (response.status == 206) {
    const auto start = start_of(response.header("content-range"));
    if (start != plan_.request.first_byte) {
      fail_with(ErrorCode::kNetwork, where(), ": the answer is another part than was asked for (from byte ",
                plan_.request.first_byte, ")");
    }
    response.first_byte = *start;
  }
  if (is_good(response.status) && plan_.request.on_head) plan_.request.on_head(response);
}

void Transfer::body_piece(std::span<const std::byte> bytes) {
  check_head();
  Response& response = result_.response;
  body_bytes_ += bytes.size();
  const auto* const chars = reinterpret_cast<const char*>(bytes.data());
  if (!is_good(response.status)) {
    response.body.append(
        chars, std::min(bytes.size(), kMaxErrorBodyBytes - std::min(kMaxErrorBodyBytes, response.body.size())));
    if (body_bytes_ > 16 * kMaxErrorBodyBytes) fail_with(ErrorCode::kNetwork, where(), ": status ", response.status);
    return;
  }
  if (body_bytes_ > plan_.request.max_body_bytes) {
    fail_with(ErrorCode::kNetwork, where(), ": the answer is longer than the ", plan_.request.max_body_bytes,
              " bytes that were expected");
  }
  if (plan_.request.sink) {
    plan_.request.sink(bytes);
  } else {
    response.body.append(chars, bytes.size());
  }
}

void Transfer::set_options() {
  CURL* easy = easy_.get();
  const Request& request = plan_.request;
  const DoorOptions& options = plan_.options;
  const auto set = [&](CURLoption option, const auto& value) { curl_easy_setopt(easy, option, value); };
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, message_.data());
  set(CURLOPT_URL, plan_.url.text.c_str());
  set(CURLOPT_PROTOCOLS_STR, "https,http");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_USERAGENT, "kinglet");
  set(CURLOPT_BUFFERSIZE, kBufferBytes);
  // Empty texts keep the library from reading proxies out of the environment.
  set(CURLOPT_PROXY, is_loopback(plan_.url.host) ? "" : options.proxy.c_str());
  set(CURLOPT_NOPROXY, options.no_proxy.c_str());
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
  if (!request.sink && !request.model) set(CURLOPT_TIMEOUT_MS, kWholeAnswerTimeoutMs);
  set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::open_socket);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Transfer::take_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Transfer::take_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  if (request.model) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &Transfer::give_model);
    set(CURLOPT_READDATA, static_cast<void*>(this));
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.model->size));
    set(CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    set(CURLOPT_POSTFIELDS, request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);

  const auto add = [&](const std::string& line) {
    headers_.reset(curl_slist_append(headers_.release(), line.c_str()));
  };
  for (const Header& header : request.headers) add(str(header.name, ": ", header.value));
  if (plan_.send_authorization && !request.authorization.empty()) add(str("Authorization: ", request.authorization));
  if (request.first_byte > 0) add(str("Range: bytes=", request.first_byte, "-"));
  add("Expect:");  // no waiting for "100 Continue"
  set(CURLOPT_HTTPHEADER, headers_.get());
}

CURLcode Transfer::perform() {
  curl_multi_add_handle(multi_.get(), easy_.get());
  StallClock stall(plan_.options.stall_timeout_ms);
  int n_running = 1;
  while (n_running > 0) {
    if (curl_multi_perform(multi_.get(), &n_running) != CURLM_OK) break;
    if (n_running == 0) break;
    if (plan_.request.keep_going && !plan_.request.keep_going()) {
      cancelled_ = true;
      break;
    }
    const uint64_t n_bytes = header_bytes_ + body_bytes_ + static_cast<uint64_t>(offset(CURLINFO_SIZE_UPLOAD_T));
    if (stall.is_over(offset(CURLINFO_PRETRANSFER_TIME_T) > 0, n_bytes)) {
      stalled_ = true;
      break;
    }
    curl_multi_poll(multi_.get(), nullptr, 0, kAskEveryMs, nullptr);
  }
  CURLcode code = stalled_ ? CURLE_OPERATION_TIMEDOUT : CURLE_ABORTED_BY_CALLBACK;
  int n_left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &n_left)) {
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  }
  curl_multi_remove_handle(multi_.get(), easy_.get());
  return code;
}

void Transfer::fail_with_code(CURLcode code) const {
  const std::string why = message_[0] != '\0' ? message_.data() : curl_easy_strerror(code);
  const DoorOptions& options = plan_.options;
  if (too_near_) {
    fail_with(ErrorCode::kRefused, where(),
              ": refused: a redirect from the public network leads to an address of this machine or network");
  }
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      fail_with(ErrorCode::kNetwork, plan_.url.host,
                ": no address is known for this name: there is no network, or it is misspelled");
    case CURLE_COULDNT_RESOLVE_PROXY:
      fail_with(ErrorCode::kNetwork, options.proxy, ": no address is known for this proxy");
    case CURLE_COULDNT_CONNECT:
      fail_with(ErrorCode::kNetwork, where(), ": cannot be reached: ",
                number(CURLINFO_OS_ERRNO) != 0 ? std::strerror(static_cast<int>(number(CURLINFO_OS_ERRNO))) : why);
    case CURLE_OPERATION_TIMEDOUT:
      if (result_.response.status == 0) {
        fail_with(ErrorCode::kNetwork, where(), ": gives no answer; is there a network, or a proxy to be set?");
      }
      fail_with(ErrorCode::kNetwork, where(), ": stopped sending after ", body_bytes_, " bytes");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
      fail_with(ErrorCode::kNetwork, where(), ": no trusted connection: ", why,
                "; the name, the clock of this machine or its certificates (package ca-certificates) are wrong");
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
      fail_with(ErrorCode::kNetwork, where(), ": the connection broke after ", body_bytes_, " bytes");
    default:
      fail_with(ErrorCode::kNetwork, where(), ": ", why);
  }
}

long Transfer::number(CURLINFO info) const {
  long value = 0;
  curl_easy_getinfo(easy_.get(), info, &value);
  return value;
}

curl_off_t Transfer::offset(CURLINFO info) const {
  curl_off_t value = 0;
  curl_easy_getinfo(easy_.get(), info, &value);
  return value;
}

TransferResult Transfer::run() {
  if (!easy_ || !multi_) fail(ErrorCode::kOutOfMemory, "no memory for a connection");
  set_options();
  const CURLcode code = perform();
  result_.bytes_out =
      static_cast<uint64_t>(number(CURLINFO_REQUEST_SIZE)) + static_cast<uint64_t>(offset(CURLINFO_SIZE_UPLOAD_T));
  result_.bytes_in = header_bytes_ + body_bytes_;
  result_.response.url = plan_.url.text;
  if (!result_.failure) {
    try {
      if (cancelled_) fail(ErrorCode::kCancelled, "stopped");
      if (code != CURLE_OK) fail_with_code(code);
      check_head();
    } catch (const Error&) {
      result_.failure = std::current_exception();
    }
  }
  result_.outcome = str(result_.response.status);
  if (cancelled_) {
    result_.outcome = "cancelled";
  } else if (result_.failure) {
    result_.outcome = str("failed: ", code == CURLE_WRITE_ERROR ? "the receiver stopped it" : curl_easy_strerror(code));
  }
  return std::move(result_);
}

// The library's own global state, made once before its first use.
void start_library() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) fail_with(ErrorCode::kInternal, "libcurl: ", curl_easy_strerror(started));
}

}  // namespace

std::string_view Response::header(std::string_view name) const noexcept {
  const auto found = std::ranges::find(headers, name, &Header::name);
  return found != headers.end() ? std::string_view(found->value) : std::string_view();
}

TransferResult transfer(const TransferPlan& plan) {
  start_library();
  return Transfer(plan).run();
}

}  // namespace kinglet::egress
