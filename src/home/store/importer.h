// A file or a folder becomes blobs of a manifest.
#pragma once

#include <string>

#include "home/store/manifest.h"
#include "home/store/own_folder.h"
#include "home/store/reporter.h"

namespace kinglet::store {

struct Imported {
  Manifest manifest;
  ModelName name;  ///< What the file's own name suggests.
};

/// Checks every value of the tensors and takes the bytes into the folder. Throws as Store::import_file.
Imported import_path(const OwnFolder& folder, const std::string& path, Reporter& reporter);

}  // namespace kinglet::store
