#include "front/serve/http/tls.h"

#include <boost/asio/ssl.hpp>
#include <utility>

#include "core/base/error.h"

namespace kinglet::serve::http {
namespace {

namespace ssl = boost::asio::ssl;

// HTTP/1.1 is what is spoken here. A client that wants something else alone is refused.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* n_chosen, const unsigned char* offered,
                    unsigned n_offered, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  const int found = SSL_select_next_proto(const_cast<unsigned char**>(chosen), n_chosen, kOurs, sizeof(kOurs) - 1,
                                          offered, n_offered);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::shared_ptr<ssl::context> read(const std::string& certificate_file, const std::string& key_file) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  boost::system::error_code error;
  const auto check = [&](const std::string& file) {
    if (error) fail_with(ErrorCode::kIo, file, " cannot be used for TLS: ", error.message());
  };
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_alpn_select_cb(context->native_handle(), choose_protocol, nullptr);
  static_cast<void>(context->use_certificate_chain_file(certificate_file, error));
  check(certificate_file);
  static_cast<void>(context->use_private_key_file(key_file, ssl::context::pem, error));
  check(key_file);
  if (SSL_CTX_check_private_key(context->native_handle()) != 1) {
    fail_with(ErrorCode::kIo, key_file, " is not the key of ", certificate_file);
  }
  return context;
}

}  // namespace

Certificates::Certificates(std::string certificate_file, std::string key_file)
    : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {
  if (certificate_file_.empty() != key_file_.empty()) {
    fail_with(ErrorCode::kInvalidArgument, "TLS needs both a certificate and its key");
  }
  reload();
}

std::shared_ptr<ssl::context> Certificates::current() const {
  const MutexLock lock(mutex_);
  return context_;
}

void Certificates::reload() {
  if (!has_tls()) return;
  auto context = read(certificate_file_, key_file_);
  const MutexLock lock(mutex_);
  context_ = std::move(context);
}

}  // namespace kinglet::serve::http
