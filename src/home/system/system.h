// Facade of home/system: the machine under the program. No Linux-only call stands outside this room.
//
// Files that appear whole (file.h), mapped files (mapped_file.h), folders (folder.h), locks between processes (lock.h),
// other programs (child_process.h), digests (sha256.h), secrets (secret.h), JSON (json.h), zip archives (zip.h), a log
// (log.h), the clock (clock.h), threads for computing (thread_pool.h), memory (memory.h), and what a control group allows
// (cgroup.h).
// Thread rules: values belong to one thread at a time; free functions may be called from any.
#pragma once

#include "home/system/cgroup.h"
#include "home/system/child_process.h"
#include "home/system/clock.h"
#include "home/system/file.h"
#include "home/system/folder.h"
#include "home/system/json.h"
#include "home/system/lock.h"
#include "home/system/log.h"
#include "home/system/mapped_file.h"
#include "home/system/memory.h"
#include "home/system/secret.h"
#include "home/system/sha256.h"
#include "home/system/thread_pool.h"
#include "home/system/zip.h"
