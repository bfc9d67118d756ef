// A blob of ours to a registry: parts that go on where they broke off.
#pragma once

#include <string>
#include <string_view>

#include "home/store/manifest.h"
#include "home/store/registry.h"
#include "home/store/reporter.h"

namespace kinglet::store {

/// Makes sure that the registry has the blob that lies at `path`. `mount_from`: a repository there that may have it,
/// NAMESPACE/NAME; empty: none. Throws Error{kNetwork} when the other side does not come back or refuses it,
/// kCancelled.
void upload_blob(Registry& registry, const std::string& path, const Layer& layer, std::string_view mount_from,
                 const StoreOptions& options, Reporter& reporter);

}  // namespace kinglet::store
