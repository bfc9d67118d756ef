// A file or a folder becomes blobs of a manifest.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "home/store/manifest.h"
#include "home/store/own_folder.h"
#include "home/store/reporter.h"

namespace kinglet::store {

struct Imported {
  Manifest manifest;
  std::vector<Pin> pins;  ///< Of its blobs, until it is written.
  ModelName name;
};

/// Checks every value of the tensors, and that the model can be run, and takes the bytes into the folder. Without a
/// name it gets the one that the file's suggests. `content`: whether the files stay as they are. Throws as
/// Store::import_file.
Imported import_path(const OwnFolder& folder, const std::string& path, const std::optional<ModelName>& name,
                     system::Content content, const StoreOptions& options, Reporter& reporter);

/// Writes the file, then checks it as import_path does.
Imported import_made(const OwnFolder& folder, const MadeFile& file, const ModelName& name, const StoreOptions& options,
                     Reporter& reporter);

/// Writes it into a blob, with progress. Throws Error{kNoSpace} before anything is written.
void write_made(const OwnFolder& folder, const MadeFile& file, NewBlob& blob, Reporter& reporter);

}  // namespace kinglet::store
