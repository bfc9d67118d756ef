#include "front/serve/http/systemd.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>

#include "core/base/error.h"
#include "core/base/str.h"
#include "home/system/file.h"
#include "home/system/scratch_folder.h"

namespace kinglet::serve::http {
namespace {

TEST(Systemd, TakesTheSocketsThatAreMeantForThisProcess) {
  const std::string own = str(::getpid());
  EXPECT_EQ(activated_sockets(own, "2"), (std::vector<int>{3, 4}));
  EXPECT_TRUE(activated_sockets(own, "0").empty());
  EXPECT_TRUE(activated_sockets("", "").empty());
  EXPECT_TRUE(activated_sockets(own, "").empty());
  EXPECT_TRUE(activated_sockets(str(::getppid()), "2").empty());
  for (const std::string_view n : {"x", "-1", "65", "2 ", "99999999999999999999"}) {
    EXPECT_THROW(static_cast<void>(activated_sockets(own, n)), Error) << n;
  }
  EXPECT_THROW(static_cast<void>(activated_sockets("x", "1")), Error);
}

// What a service manager at this address hears of one word.
std::string heard(const sockaddr_un& address, socklen_t length, const std::string& name) {
  const system::FileDescriptor manager(::socket(AF_UNIX, SOCK_DGRAM, 0));
  EXPECT_EQ(::bind(manager.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  EXPECT_TRUE(notify_service_manager(name, "READY=1"));
  std::array<char, 64> text{};
  const ssize_t n = ::recv(manager.get(), text.data(), text.size(), MSG_DONTWAIT);
  return n < 0 ? "" : std::string(text.data(), static_cast<size_t>(n));
}

TEST(Systemd, TellsTheServiceManager) {
  const system::ScratchFolder folder("systemd");
  const std::string path = folder.path() + "/notify";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  EXPECT_EQ(heard(address, sizeof(address), path), "READY=1");
  const std::string abstract = str("@kinglet-test-", ::getpid());
  address = {};
  address.sun_family = AF_UNIX;
  abstract.copy(address.sun_path, abstract.size());
  address.sun_path[0] = '\0';
  EXPECT_EQ(heard(address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + abstract.size()), abstract),
            "READY=1");
}

TEST(Systemd, NobodyThereIsNoError) {
  EXPECT_FALSE(notify_service_manager("", "READY=1"));
  EXPECT_FALSE(notify_service_manager("/nowhere/at/all", "READY=1"));
  EXPECT_FALSE(notify_service_manager("relative", "READY=1"));
  EXPECT_FALSE(notify_service_manager("/" + std::string(200, 'a'), "READY=1"));
}

}  // namespace
}  // namespace kinglet::serve::http
