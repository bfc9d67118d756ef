// The server's certificate, which may be changed while it runs.
#pragma once

#include <memory>
#include <string>

#include "core/base/mutex.h"

namespace boost::asio::ssl {
class context;
}  // namespace boost::asio::ssl

namespace kinglet::serve::http {

/// Any thread.
class Certificates {
 public:
  /// Empty names: there is no TLS. Throws Error{kIo} for files that cannot be read or do not belong together.
  Certificates(std::string certificate_file, std::string key_file);

  [[nodiscard]] bool has_tls() const noexcept { return !certificate_file_.empty(); }
  /// For new connections; null where there is no TLS.
  [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> current() const;
  /// Reads the files again. Throws as the constructor; then the old ones stay.
  void reload();

 private:
  std::string certificate_file_;
  std::string key_file_;
  mutable Mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> context_ GUARDED_BY(mutex_);
};

}  // namespace kinglet::serve::http
