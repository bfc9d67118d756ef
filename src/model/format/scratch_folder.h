// A folder for one test, removed afterwards.
#pragma once

#include "home/system/scratch_folder.h"

namespace kinglet::format::samples {

using system::ScratchFolder;

}  // namespace kinglet::format::samples
