// A blob from a registry into our folder: resumed, checked, named when it is complete.
#pragma once

#include "home/store/own_folder.h"
#include "home/store/registry.h"

namespace kinglet::store {

/// Makes sure that a blob is here and sound. Waits for another process that is downloading it. Throws Error{kNetwork}
/// when the other side does not come back (what arrived is kept), or sends other bytes than the digest's (they are
/// removed); kNotFound when the registry has no such blob; kNoSpace; kCancelled.
Pin fetch_blob(Registry& registry, const OwnFolder& folder, const Layer& layer, const StoreOptions& options,
               Reporter& reporter);

/// Bytes of a blob that are still to come.
uint64_t missing_bytes(const OwnFolder& folder, const Layer& layer);

}  // namespace kinglet::store
